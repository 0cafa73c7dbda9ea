// Package require finds what some tests need beside Go, and skips them loudly where it is not there.
package require

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// Env names the environment variable that turns skips into failures: a comma-separated list of names that Skip was given,
// or "all".
const Env = "INOCULATE_REQUIRE"

// Wanted tells whether Env asks for what.
func Wanted(what string) bool {
	names := strings.Split(os.Getenv(Env), ",")
	return slices.Contains(names, what) || slices.Contains(names, "all")
}

// All lets a test pass on that takes long, or installs much, only where Env asks for what it belongs to.
func All(t testing.TB, what string) {
	t.Helper()
	if !Wanted(what) {
		Skip(t, what, fmt.Sprintf("%s=%s runs it: it takes long, or installs much", Env, what))
	}
}

// Skip ends a test that lacks what, with one line "SKIP what: why". It fails the test where Env asks for what.
func Skip(t testing.TB, what, why string) {
	t.Helper()
	if Wanted(what) {
		t.Fatalf("%s is required: %s", what, why)
	}
	fmt.Printf("SKIP %s: %s\n", what, why)
	t.Skipf("%s: %s", what, why)
}

// Shared returns the folder of test data that stands beside the module ("shared"), or INOCULATE_SHARED where that is set.
func Shared(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("INOCULATE_SHARED")
	if dir == "" {
		dir = filepath.Join(Root(t), "..", "shared")
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		Skip(t, "shared", "there is no folder "+dir)
	}
	return dir
}

// Root returns the folder of go.mod.
func Root(t testing.TB) string {
	t.Helper()
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// moduleRoot is the folder of go.mod, at or above the working folder.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", fmt.Errorf("no go.mod above the working folder")
		}
		dir = up
	}
}

// Browser returns a Chromium that can be run without a screen.
func Browser(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	Skip(t, "browser", "there is no chromium")
	return ""
}

var (
	venvMu sync.Mutex
	venvs  = map[string]error{} // of this process; a failed build is not tried again
)

// Python returns the interpreter of a virtual environment with the given pip packages ("pyarrow==26.0.1"). It is built at
// its first use and kept in the user's cache folder; test binaries that run at the same time wait for one another.
func Python(t testing.TB, packages ...string) string {
	t.Helper()
	return venv(t, "", packages)
}

// torch is shared by the environments that need it: it has some GB.
var torch = []string{"torch==2.15.0", "torchvision==0.29.2"}

// PythonTorch is Python with torch.
func PythonTorch(t testing.TB, packages ...string) string {
	t.Helper()
	base := filepath.Dir(filepath.Dir(venv(t, "", torch)))
	return venv(t, base, packages)
}

// venv returns the interpreter of an environment, which sees the packages of base too.
func venv(t testing.TB, base string, packages []string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		Skip(t, "python", err.Error())
	}
	key := packages
	if base != "" {
		key = append([]string{base}, packages...)
	}
	name := fmt.Sprintf("venv-%x", sha256.Sum256([]byte(strings.Join(key, "\n"))))[:21]
	dir := filepath.Join(cache, "inoculate-test", name)
	venvMu.Lock()
	defer venvMu.Unlock()
	err, tried := venvs[dir]
	if !tried {
		err = buildVenv(dir, base, packages)
		venvs[dir] = err
	}
	if err != nil {
		Skip(t, "python", fmt.Sprintf("no environment with %s: %v", strings.Join(packages, ", "), err))
	}
	return filepath.Join(dir, "bin", "python")
}

func buildVenv(dir, base string, packages []string) error {
	ready := filepath.Join(dir, "ready")
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	lock, err := os.OpenFile(dir+".lock", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	defer lock.Close() // and the lock with it
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	if _, err := os.Stat(ready); err == nil {
		return nil
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := run("python3", "-m", "venv", dir); err != nil {
		return err
	}
	if base != "" {
		from, err := filepath.Glob(filepath.Join(base, "lib", "python3.*", "site-packages"))
		if err != nil {
			return err
		}
		to, err := filepath.Glob(filepath.Join(dir, "lib", "python3.*", "site-packages"))
		if err != nil {
			return err
		}
		if len(from) != 1 || len(to) != 1 {
			return fmt.Errorf("no site-packages in %s or %s", base, dir)
		}
		if err := os.WriteFile(filepath.Join(to[0], "base.pth"), []byte(from[0]+"\n"), 0o644); err != nil {
			return err
		}
	}
	if len(packages) == 0 {
		return os.WriteFile(ready, nil, 0o644)
	}
	args := append([]string{"-m", "pip", "install", "--quiet", "--disable-pip-version-check"}, packages...)
	if err := run(filepath.Join(dir, "bin", "python"), args...); err != nil {
		return err
	}
	return os.WriteFile(ready, nil, 0o644)
}

func run(name string, args ...string) error {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		return fmt.Errorf("%s: %w: %s", name, err, lines[len(lines)-1])
	}
	return nil
}
