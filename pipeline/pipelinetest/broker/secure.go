package broker

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
)

// Secured is a broker that is also reached by TLS alone, where it wants a certificate of the client, and by TLS with SASL:
// PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512. Its own addresses need neither.
type Secured struct {
	*Cluster
	TLS, SASL      []string // host:port
	CA, Cert, Key  string   // PEM files: what clients trust, and the certificate of a client
	User, Password string
}

// StartSecured starts one.
func StartSecured(t testing.TB) *Secured {
	t.Helper()
	dir := t.TempDir()
	s := &Secured{User: "writer", Password: "right-secret", CA: filepath.Join(dir, "ca.pem"), Cert: filepath.Join(dir, "client.pem"), Key: filepath.Join(dir, "client-key.pem")}
	ca := newAuthority(t)
	write(t, s.CA, ca.pem)
	cert, key := ca.issue(t, "client")
	write(t, s.Cert, cert)
	write(t, s.Key, key)
	server := filepath.Join(dir, "server.pem")
	cert, key = ca.issue(t, "server")
	write(t, server, append(key, cert...))
	s.TLS, s.SASL = []string{free(t)}, []string{free(t)}
	login := "org.apache.kafka.common.security"
	listeners := fmt.Sprintf("PLAINTEXT://127.0.0.1:@PORT@,SSL://%s,SASL_SSL://%s", s.TLS[0], s.SASL[0])
	s.Cluster = Start(t, 1,
		"listeners="+listeners+",CONTROLLER://127.0.0.1:@CONTROLLER@", "advertised.listeners="+listeners,
		"listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL",
		"ssl.keystore.type=PEM", "ssl.keystore.location="+server, "ssl.truststore.type=PEM", "ssl.truststore.location="+s.CA,
		"listener.name.ssl.ssl.client.auth=required", "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
		fmt.Sprintf("listener.name.sasl_ssl.plain.sasl.jaas.config=%s.plain.PlainLoginModule required user_%s=\"%s\";", login, s.User, s.Password),
		fmt.Sprintf("listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config=%s.scram.ScramLoginModule required;", login),
		fmt.Sprintf("listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=%s.scram.ScramLoginModule required;", login))
	s.credentials()
	return s
}

// credentials tells the broker the user's password for SCRAM.
func (s *Secured) credentials() {
	s.t.Helper()
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(s.Bootstrap...), Transport: transport, Timeout: 30 * time.Second}
	const iterations = 4096
	salt := []byte("grains of salt")
	short, err := pbkdf2.Key(sha256.New, s.Password, salt, iterations, sha256.Size)
	if err != nil {
		s.t.Fatal(err)
	}
	long, err := pbkdf2.Key(sha512.New, s.Password, salt, iterations, sha512.Size)
	if err != nil {
		s.t.Fatal(err)
	}
	for mechanism, salted := range map[kafka.ScramMechanism][]byte{kafka.ScramMechanismSha256: short, kafka.ScramMechanismSha512: long} {
		res, err := client.AlterUserScramCredentials(context.Background(), &kafka.AlterUserScramCredentialsRequest{ // one of a user at a time
			Upsertions: []kafka.UserScramCredentialsUpsertion{{Name: s.User, Mechanism: mechanism, Iterations: iterations, Salt: salt, SaltedPassword: salted}}})
		if err == nil && len(res.Results) == 1 {
			err = res.Results[0].Error
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

// free is an address on which nobody listens.
func free(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func write(t testing.TB, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// authority issues certificates for an hour.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert, key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
}

// issue makes a certificate for 127.0.0.1 and its key, as PEM.
func (a *authority) issue(t testing.TB, name string) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, a.cert, &private.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), a.pem...), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}
