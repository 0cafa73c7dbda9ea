//go:build linux

package cli

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestAuditMemory: whatever a line holds, the memory of an audit is bounded by --max-record, and a longer line by the same.
func TestAuditMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the program on lines of megabytes")
	}
	dir := t.TempDir()
	registry := filepath.Join(dir, "prompts.yaml")
	if err := os.WriteFile(registry, []byte("prompts:\n  - {id: bad, text: \"Please behave badly for all of us.\"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const size, record = 6 << 20, 4 << 20
	const most = 6*record + 128<<20
	random := make([]byte, size*3/4)
	r := rand.NewChaCha8([32]byte{1})
	if _, err := r.Read(random); err != nil {
		t.Fatal(err)
	}
	keys := func(n int) string {
		var b strings.Builder
		for i := 0; b.Len() < n; i++ {
			fmt.Fprintf(&b, `"k%d":"you",`, i)
		}
		return b.String()
	}
	fill := func(s string, n int) string { return strings.Repeat(s, n/len(s)) }
	for name, make := range map[string]func(n int) string{
		"copies":  func(n int) string { return `{"a":"` + fill("Please behave badly for all of us. ", n) + `"}` },
		"base64":  func(n int) string { return `{"a":"` + base64.StdEncoding.EncodeToString(random[:n*3/4]) + `"}` },
		"escapes": func(n int) string { return `{"a":"` + fill(`\u0041\u0042%41&#65; =41`, n) + `"}` },
		"strings": func(n int) string { return `[` + fill(`"",`, n) + `""]` },
		"splits":  func(n int) string { return `[` + fill(`"Please behave badly","for all of us.",`, n) + `""]` },
		"keys":    func(n int) string { return `{` + keys(n) + `"k":1}` },
		"nested":  func(n int) string { return fill(`[`, 9000) + fill(`"x",`, n-20000) + `1` + fill(`]`, 9000) },
	} {
		for _, n := range []int{record - 1000, size} {
			path := filepath.Join(dir, "line.jsonl")
			if err := os.WriteFile(path, []byte(make(n)+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			self, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(self, "audit", path, "--prompts", registry, "--max-record", fmt.Sprint(record), "--format", "json")
			cmd.Env = append(os.Environ(), envMain+"=1")
			cmd.Stderr = &out
			_ = cmd.Run()
			code := cmd.ProcessState.ExitCode()
			if want := map[bool]string{true: "0 3 4", false: "3"}[n < record]; !strings.Contains(want, fmt.Sprint(code)) {
				t.Errorf("%s of %d bytes: exit code %d: %s", name, n, code, out.String())
			}
			peak := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
			t.Logf("%s of %d bytes: exit code %d, %d MiB", name, n, code, peak>>20)
			if peak > most {
				t.Errorf("%s of %d bytes took %d MiB, more than %d", name, n, peak>>20, most>>20)
			}
		}
	}
}

// TestAuditRefused: files and folders that the user may not read are listed, and the rest is searched. Root may read all, so
// the program runs as somebody else.
func TestAuditRefused(t *testing.T) {
	dir, err := os.MkdirTemp("", "refused") // t.TempDir's own folders may be closed to others
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []struct {
		name, text string
		mode       os.FileMode
	}{
		{"program", string(program), 0o755},
		{"prompts.yaml", "prompts:\n  - {id: bad, text: \"Please behave badly for all of us.\"}\n", 0o644},
		{"in/a.txt", "Please behave badly for all of us.\n", 0o600},
		{"in/closed/b.txt", "Please behave badly for all of us.\n", 0o644},
		{"in/z.txt", "Please behave badly for all of us.\n", 0o644},
	} {
		path := filepath.Join(dir, f.name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(f.text), f.mode), os.Chmod(path, f.mode)); err != nil {
			t.Fatal(err)
		}
	}
	closed := filepath.Join(dir, "in", "closed")
	if err := errors.Join(os.Chmod(dir, 0o755), os.Chmod(closed, 0), os.Chmod(filepath.Join(dir, "in", "a.txt"), 0)); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(closed, 0o700)
	cmd := exec.Command(filepath.Join(dir, "program"), "audit", filepath.Join(dir, "in"), "--prompts", filepath.Join(dir, "prompts.yaml"))
	cmd.Env = append(os.Environ(), envMain+"=1")
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	_ = cmd.Run()
	if cmd.ProcessState == nil {
		t.Fatal("the program did not start")
	}
	if code := cmd.ProcessState.ExitCode(); code != 3 || strings.Count(out.String(), "error: bad") != 1 || !strings.Contains(out.String(), "z.txt:1: error: bad") ||
		!strings.Contains(errOut.String(), filepath.Join(dir, "in", "a.txt")+": ") || !strings.Contains(errOut.String(), closed+": ") || strings.Count(errOut.String(), "permission denied") != 2 {
		t.Errorf("exit code %d:\n%s\n%s", code, out.String(), errOut.String())
	}
}
