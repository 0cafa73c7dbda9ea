package kafkaconn

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSASL(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("very secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KAFKA_PASSWORD", "very secret")
	for _, mechanism := range Mechanisms {
		for _, s := range []SASL{{Mechanism: mechanism, User: "u", PasswordFile: file}, {Mechanism: mechanism, User: "u", PasswordEnv: "KAFKA_PASSWORD"}} {
			m, err := s.New()
			if err != nil || !strings.EqualFold(m.Name(), mechanism) {
				t.Errorf("%s: %v %v", mechanism, m, err)
			}
			for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
				if text := fmt.Sprintf(format, m); strings.Contains(text, "secret") {
					t.Errorf("%s shows the password: %s", format, text)
				}
			}
		}
	}
	for want, s := range map[string]SASL{
		"none of plain":      {Mechanism: "oauth", User: "u", PasswordFile: file},
		"one of them":        {Mechanism: "plain", User: "u"},
		"NO_SUCH":            {Mechanism: "plain", User: "u", PasswordEnv: "NO_SUCH"},
		"reading the passwo": {Mechanism: "plain", User: "u", PasswordFile: file + "x"},
	} {
		if _, err := s.New(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if m, err := (*SASL)(nil).New(); m != nil || err != nil {
		t.Error(m, err)
	}
}

func TestTLS(t *testing.T) {
	file := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(file, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, c := range map[string]TLS{
		"no PEM certificate":    {CA: file},
		"reading the certifica": {CA: file + "x"},
		"needs both":            {Cert: file},
		"client certificate":    {Cert: file, Key: file},
	} {
		if _, err := c.Config(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if c, err := (*TLS)(nil).Config(); c != nil || err != nil {
		t.Error(c, err)
	}
	s := Settings{Brokers: []string{"a:1"}, TLS: &TLS{}}
	if tr, err := s.Open("x", []string{"t"}); err != nil || tr.TLS == nil || tr.TLS.InsecureSkipVerify {
		t.Error(tr, err)
	}
}
