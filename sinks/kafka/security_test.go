package kafka

import (
	"errors"
	"strings"
	"testing"
	"time"

	"inoculate/pipeline"
	"inoculate/pipeline/kafkaconn"
	"inoculate/pipeline/pipelinetest/broker"
)

// TestSecured: transactions over TLS with a certificate of the client, and over TLS with each mechanism of SASL; who is not
// trusted is told why, and no secret is in what is said.
func TestSecured(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a broker")
	}
	b := broker.StartSecured(t)
	t.Setenv("SINK_PASSWORD", b.Password)
	t.Setenv("SINK_WRONG", "wrong-secret")
	trusting := &kafkaconn.TLS{CA: b.CA}
	mutual := &kafkaconn.TLS{CA: b.CA, Cert: b.Cert, Key: b.Key}
	config := func(name string, set *kafkaconn.Settings) Config {
		t.Helper()
		c := Config{Brokers: set.Brokers, Train: name + "-train", Test: name + "-test", Prefix: name, Schema: schema, Wait: 3 * time.Second}
		var err error
		c.TLS, err = set.TLS.Config()
		must(t, err)
		c.SASL, err = set.SASL.New()
		must(t, err)
		return c
	}
	good := map[string]*kafkaconn.Settings{"tls": {Brokers: b.TLS, TLS: mutual}}
	bad := map[string]*kafkaconn.Settings{
		"no-certificate": {Brokers: b.TLS, TLS: trusting},
		"no-tls":         {Brokers: b.TLS},
		"no-authority":   {Brokers: b.SASL, TLS: &kafkaconn.TLS{}, SASL: &kafkaconn.SASL{Mechanism: "plain", User: b.User, PasswordEnv: "SINK_PASSWORD"}},
	}
	for _, m := range kafkaconn.Mechanisms {
		good[m] = &kafkaconn.Settings{Brokers: b.SASL, TLS: trusting, SASL: &kafkaconn.SASL{Mechanism: m, User: b.User, PasswordEnv: "SINK_PASSWORD"}}
		bad["wrong-"+m] = &kafkaconn.Settings{Brokers: b.SASL, TLS: trusting, SASL: &kafkaconn.SASL{Mechanism: m, User: b.User, PasswordEnv: "SINK_WRONG"}}
	}
	for name, set := range good {
		t.Run(name, func(t *testing.T) {
			b.Topic(name+"-train", 4)
			b.Topic(name+"-test", 4)
			exactly(t, config(name, set), b.Bootstrap)
		})
	}
	for name, set := range bad {
		t.Run(name, func(t *testing.T) {
			_, err := New(t.Context(), config("tls", set))
			if _, ok := errors.AsType[*pipeline.InputError](err); !ok || strings.Contains(err.Error(), "secret") {
				t.Fatal(err)
			}
			want := "certificate"
			switch {
			case strings.HasPrefix(name, "wrong-"):
				want = "uthentication"
			case name == "no-tls":
				want = "TLS as the brokers want it?"
			}
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
		})
	}
}
