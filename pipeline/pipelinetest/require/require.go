// Package require finds what some tests need beside Go, and skips them loudly where it is not there.
package require

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
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
// its first use and kept in the user's cache folder; test binaries that run at the same time wait for one another. A package
// that ends in " --no-deps" is installed after the others, without what it asks for.
func Python(t testing.TB, packages ...string) string {
	t.Helper()
	return venv(t, "", packages, time.Time{})
}

// InstallBy names the environment variable with the time, in seconds since 1970, by which trainers and harnesses must be
// installed. What is not is skipped with its reason, even where everything is required: some have gigabytes.
const InstallBy = "INOCULATE_INSTALL_BY"

func installBy(t testing.TB) time.Time {
	t.Helper()
	text := os.Getenv(InstallBy)
	if text == "" {
		return time.Time{}
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatalf("%s=%s: %v", InstallBy, text, err)
	}
	return time.Unix(seconds, 0)
}

// PythonHarness is Python for programs that take long to install.
func PythonHarness(t testing.TB, packages ...string) string {
	t.Helper()
	return venv(t, "", packages, installBy(t))
}

// torch is shared by the environments that need it: it has some GB.
var torch = []string{"torch==2.15.0", "torchvision==0.29.2"}

// PythonTorch is PythonHarness with torch.
func PythonTorch(t testing.TB, packages ...string) string {
	t.Helper()
	base := filepath.Dir(filepath.Dir(venv(t, "", torch, installBy(t))))
	return venv(t, base, packages, installBy(t))
}

// venv returns the interpreter of an environment, which sees the packages of base too. Where there is a time, it is skipped if it
// is not built by then.
func venv(t testing.TB, base string, packages []string, by time.Time) string {
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
		ctx := context.Background()
		if !by.IsZero() {
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadlineCause(ctx, by, errLate)
			defer cancel()
		}
		err = buildVenv(ctx, dir, base, packages)
		venvs[dir] = err
	}
	if errors.Is(err, errLate) {
		fmt.Printf("SKIP interop: %s: %v\n", strings.Join(packages, ", "), err)
		t.Skipf("%v", err)
	}
	if err != nil {
		Skip(t, "python", fmt.Sprintf("no environment with %s: %v", strings.Join(packages, ", "), err))
	}
	return filepath.Join(dir, "bin", "python")
}

var errLate = errors.New("not installed in the time that " + InstallBy + " leaves; what was downloaded is kept for the next time")

func buildVenv(ctx context.Context, dir, base string, packages []string) error {
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
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := run(ctx, "python3", "-m", "venv", dir); err != nil {
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
	install := []string{"-m", "pip", "install", "--quiet", "--disable-pip-version-check"}
	whole, alone := slices.Clone(install), append(slices.Clone(install), "--no-deps")
	for _, p := range packages {
		if name, ok := strings.CutSuffix(p, " --no-deps"); ok {
			alone = append(alone, name)
		} else {
			whole = append(whole, p)
		}
	}
	for _, args := range [][]string{whole, alone} {
		if strings.HasPrefix(args[len(args)-1], "--") {
			continue // none of these
		}
		if err := run(ctx, filepath.Join(dir, "bin", "python"), args...); err != nil {
			return err
		}
	}
	return os.WriteFile(ready, nil, 0o644)
}

func run(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.WaitDelay = 5 * time.Second // for what it started itself
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		return fmt.Errorf("%s: %w: %s", name, err, lines[len(lines)-1])
	}
	return nil
}
