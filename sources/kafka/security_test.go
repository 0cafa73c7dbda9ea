package kafka

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"inoculate/pipeline/kafkaconn"
)

func TestSASL(t *testing.T) {
	cluster := fake(t, kfake.SeedTopics(1, "a"), kfake.EnableSASL(), kfake.Superuser("PLAIN", "u", "right"), kfake.Superuser("SCRAM-SHA-256", "u", "right"), kfake.Superuser("SCRAM-SHA-512", "u", "right"))
	send(t, producer(t, cluster.ListenAddrs(), kgo.SASL(plain.Auth{User: "u", Pass: "right"}.AsMechanism())), "a", 0, objects(0, 5)...)
	var wrong atomic.Bool
	cluster.ControlKey(int16(kmsg.SASLAuthenticate), func(r kmsg.Request) (kmsg.Response, error, bool) { // as Apache Kafka answers
		cluster.KeepControl()
		res := r.ResponseKind().(*kmsg.SASLAuthenticateResponse)
		res.ErrorCode = kerr.SaslAuthenticationFailed.Code
		return res, nil, wrong.Load()
	})
	for _, mechanism := range kafkaconn.Mechanisms {
		for _, password := range []string{"right", "wrong-secret"} {
			wrong.Store(password != "right")
			t.Setenv("KAFKA_PASSWORD", password)
			m, err := (&kafkaconn.SASL{Mechanism: mechanism, User: "u", PasswordEnv: "KAFKA_PASSWORD"}).New()
			if err != nil {
				t.Fatal(err)
			}
			cfg := Config{Brokers: cluster.ListenAddrs(), Topics: []string{"a"}, SASL: m, Wait: 5 * time.Second}
			if password == "right" {
				s := open(t, cfg)
				if g := ended(t, read(t, s, plan(t, s)[0], 0)); len(g.rows) != 5 {
					t.Errorf("%s: %+v", mechanism, g)
				}
				continue
			}
			began := time.Now()
			_, err = New(t.Context(), cfg)
			inputError(t, err, "uthentication")
			if err != nil && strings.Contains(err.Error(), "secret") || time.Since(began) > 3*time.Second {
				t.Errorf("%s: %v after %s", mechanism, err, time.Since(began))
			}
		}
	}
}

func TestTLS(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	cluster := fake(t, kfake.SeedTopics(1, "a"), kfake.TLS(&tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}))
	trusting, err := (&kafkaconn.TLS{CA: ca}).Config()
	if err != nil {
		t.Fatal(err)
	}
	send(t, producer(t, cluster.ListenAddrs(), kgo.DialTLSConfig(trusting)), "a", 0, objects(0, 5)...)
	s := open(t, Config{Brokers: cluster.ListenAddrs(), Topics: []string{"a"}, TLS: trusting})
	if g := ended(t, read(t, s, plan(t, s)[0], 0)); len(g.rows) != 5 {
		t.Errorf("%+v", g)
	}
	_, err = New(t.Context(), Config{Brokers: cluster.ListenAddrs(), Topics: []string{"a"}, TLS: &tls.Config{MinVersion: tls.VersionTLS12}, Wait: time.Second})
	inputError(t, err, "certificate")
	_, err = New(t.Context(), Config{Brokers: cluster.ListenAddrs(), Topics: []string{"a"}, Wait: time.Second})
	inputError(t, err, "TLS as the brokers want it?")
	_, err = New(t.Context(), Config{Brokers: []string{"127.0.0.1:1"}, Topics: []string{"a"}, Wait: 500 * time.Millisecond})
	inputError(t, err, "refused")
}
