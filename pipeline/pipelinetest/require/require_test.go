package require

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// probe is a testing.TB that notes how a test ended.
type probe struct {
	testing.TB
	ended string
}

func (p *probe) Helper() {}
func (p *probe) Skipf(format string, args ...any) {
	p.ended = "skipped"
	panic(p)
}
func (p *probe) Fatalf(format string, args ...any) {
	p.ended = "failed"
	panic(p)
}

func ending(t *testing.T, f func(testing.TB)) string {
	p := &probe{TB: t}
	func() {
		defer func() { _ = recover() }()
		f(p)
	}()
	return p.ended
}

func TestSkipFailsWhereItIsRequired(t *testing.T) {
	for env, want := range map[string]string{"": "skipped", "python": "skipped", "shared": "failed", "python,shared": "failed", "all": "failed"} {
		t.Setenv(Env, env)
		if got := ending(t, func(tb testing.TB) { Skip(tb, "shared", "for a test") }); got != want {
			t.Errorf("%s=%s: %s", Env, env, got)
		}
	}
}

// TestLateHarness: what is not there in time is skipped, whatever is required; what must be there is not.
func TestLateHarness(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv(Env, "all")
	t.Setenv(InstallBy, "1")
	if got := ending(t, func(tb testing.TB) { PythonHarness(tb, "inoculate-has-no-such-package") }); got != "skipped" {
		t.Errorf("late: %s", got)
	}
	if got := ending(t, func(tb testing.TB) { Python(tb, "./inoculate-has-no-such-package") }); got != "failed" {
		t.Errorf("required: %s", got)
	}
}

func TestShared(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("INOCULATE_SHARED", dir)
	if got := Shared(t); got != dir {
		t.Errorf("%s", got)
	}
	t.Setenv("INOCULATE_SHARED", filepath.Join(dir, "absent"))
	t.Setenv(Env, "")
	if got := ending(t, func(tb testing.TB) { Shared(tb) }); got != "skipped" {
		t.Errorf("absent folder: %s", got)
	}
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "pipeline")); err != nil {
		t.Error(err)
	}
}

func TestPython(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			out, err := exec.Command(Python(t), "-c", "import sys; print(sys.prefix)").CombinedOutput()
			if err != nil || !strings.Contains(string(out), "inoculate-test") {
				t.Errorf("%s, %v", out, err)
			}
		})
	}
	wg.Wait()
}
