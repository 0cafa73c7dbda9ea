// Package kafkaconn makes kafka-go transports from settings.
package kafkaconn

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
)

// Settings say how brokers are reached. They hold names of secrets, never a secret.
type Settings struct {
	Brokers []string // host:port
	TLS     *TLS     // nil: no TLS
	SASL    *SASL    // nil: no authentication
}

// TLS names PEM files. Without CA, the certificates of the system are trusted. There is no way to trust everybody.
type TLS struct {
	CA, Cert, Key string // Cert and Key only where the brokers ask for a certificate of the client
}

// SASL says who we are. The password is the value of the environment variable PasswordEnv, or the content of the file
// PasswordFile without its last newline; one of the two is set.
type SASL struct {
	Mechanism    string // "plain", "scram-sha-256", "scram-sha-512"
	User         string
	PasswordEnv  string
	PasswordFile string
}

// Mechanisms are the values of SASL.Mechanism.
var Mechanisms = []string{"plain", "scram-sha-256", "scram-sha-512"}

// Config reads the files; nil for nil.
func (t *TLS) Config() (*tls.Config, error) {
	if t == nil {
		return nil, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.CA != "" {
		pem, err := os.ReadFile(t.CA)
		if err != nil {
			return nil, fmt.Errorf("reading the certificate authority: %w", err)
		}
		if c.RootCAs = x509.NewCertPool(); !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no PEM certificate", t.CA)
		}
	}
	if (t.Cert == "") != (t.Key == "") {
		return nil, errors.New("a client certificate needs both a certificate and a key")
	}
	if t.Cert != "" {
		pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		if err != nil {
			return nil, fmt.Errorf("reading the client certificate: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// A Mechanism proves to brokers who we are.
type Mechanism = sasl.Mechanism

// New reads the password and makes the mechanism; nil for nil.
func (s *SASL) New() (Mechanism, error) {
	if s == nil {
		return nil, nil
	}
	password, err := s.password()
	if err != nil {
		return nil, err
	}
	switch s.Mechanism {
	case "plain":
		return hidden{plain.Mechanism{Username: s.User, Password: password}}, nil
	case "scram-sha-256", "scram-sha-512":
		algorithm := scram.SHA256
		if s.Mechanism == "scram-sha-512" {
			algorithm = scram.SHA512
		}
		m, err := scram.Mechanism(algorithm, s.User, password)
		if err != nil {
			return nil, fmt.Errorf("the user name or the password of %s has characters that SCRAM forbids", s.User)
		}
		return hidden{m}, nil
	}
	return nil, fmt.Errorf("the mechanism %q is none of %s", s.Mechanism, strings.Join(Mechanisms, ", "))
}

func (s *SASL) password() (string, error) {
	switch {
	case (s.PasswordEnv == "") == (s.PasswordFile == ""):
		return "", errors.New("a password comes from an environment variable or from a file: one of them")
	case s.PasswordEnv != "":
		value, ok := os.LookupEnv(s.PasswordEnv)
		if !ok || value == "" {
			return "", fmt.Errorf("the environment variable %s, which is to hold the password, is not set", s.PasswordEnv)
		}
		return value, nil
	}
	b, err := os.ReadFile(s.PasswordFile)
	if err != nil {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r"), nil
}

// hidden keeps the fields of a mechanism, with the password, out of what is printed.
type hidden struct{ sasl.Mechanism }

// String is the mechanism's name.
func (h hidden) String() string { return h.Name() }

// GoString is the mechanism's name.
func (h hidden) GoString() string { return h.Name() }

// Addr is the address of the brokers that are asked first.
func Addr(brokers []string) net.Addr { return kafka.TCP(brokers...) }

// Dial connects to a broker. Tests put faults behind it.
var Dial = (&net.Dialer{Timeout: 5 * time.Second}).DialContext

// Transport makes a transport that looks after moved leaders twice a second. Without topics it looks at all of the cluster.
// CloseIdleConnections ends it.
func Transport(client string, topics []string, config *tls.Config, mechanism sasl.Mechanism) *kafka.Transport {
	return &kafka.Transport{
		Dial: Dial, DialTimeout: 10 * time.Second, IdleTimeout: time.Minute, MetadataTTL: 500 * time.Millisecond,
		MetadataTopics: topics, ClientID: client, TLS: config, SASL: mechanism,
	}
}

// Open makes a transport from settings.
func (s *Settings) Open(client string, topics []string) (*kafka.Transport, error) {
	config, err := s.TLS.Config()
	if err != nil {
		return nil, err
	}
	mechanism, err := s.SASL.New()
	if err != nil {
		return nil, err
	}
	return Transport(client, topics, config, mechanism), nil
}
