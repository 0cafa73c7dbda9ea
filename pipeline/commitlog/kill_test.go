//go:build unix

package commitlog_test

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"inoculate/pipeline/commitlog"
	"inoculate/pipeline/commitlog/commitlogtest"
)

// What a child process is told: its folder, and the operations around which it dies or stops.
const (
	envDir  = "COMMITLOG_TEST_DIR"
	envKill = "COMMITLOG_TEST_KILL" // negative: after the operation
	envStop = "COMMITLOG_TEST_STOP"
	envCut  = "COMMITLOG_TEST_CUT"
)

func killJob(cut int64) *job {
	j := newJob(3, 6, cut)
	j.ahead = true
	return j
}

func TestMain(m *testing.M) {
	if dir := os.Getenv(envDir); dir != "" {
		if err := child(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child does the job as one process, and dies where it was told to.
func child(dir string) error {
	num := func(name string) int64 { n, _ := strconv.ParseInt(os.Getenv(name), 10, 64); return n }
	kill, stop := num(envKill), num(envStop)
	self := os.Getpid()
	die := func() { syscall.Kill(self, syscall.SIGKILL); select {} }
	fsys, err := commitlog.OpenOS(dir)
	if err != nil {
		return err
	}
	fsys = commitlogtest.Wrap(fsys, func(op commitlogtest.Op, do func() error) error {
		if op.N == kill {
			die()
		}
		if op.N == stop {
			fmt.Println("stopped")
			syscall.Kill(self, syscall.SIGSTOP)
		}
		var err error
		if op.Kind != "sync" && op.Kind != "syncdir" { // killed processes lose nothing that was written
			err = do()
		}
		if op.N == -kill {
			die()
		}
		return err
	})
	return killJob(num(envCut)).work(bg, fsys)
}

func osTree(dir string) (map[string]string, error) {
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		rel, _ := filepath.Rel(dir, p)
		all[filepath.ToSlash(rel)] = string(b)
		return err
	})
	return all, err
}

// launch starts a child; wait says whether it was killed.
func launch(t *testing.T, dir string, kill, stop, cut int64) (wait func() (killed bool, err error), resume func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0", envDir+"="+dir, fmt.Sprintf("%s=%d", envKill, kill), fmt.Sprintf("%s=%d", envStop, stop), fmt.Sprintf("%s=%d", envCut, cut))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	finished := make(chan struct{})
	resume = func() { // until it has ended: the signal may come before the stop
		for {
			cmd.Process.Signal(syscall.SIGCONT)
			select {
			case <-finished:
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
	}
	return func() (bool, error) {
		defer close(finished)
		for s := bufio.NewScanner(stdout); s.Scan(); {
		}
		err := cmd.Wait()
		if e, ok := errors.AsType[*exec.ExitError](err); ok {
			if st, ok := e.Sys().(syscall.WaitStatus); ok && st.Signaled() && st.Signal() == syscall.SIGKILL {
				return true, nil
			}
		}
		if err != nil {
			err = fmt.Errorf("%w: %s", err, stderr.String())
		}
		return false, err
	}, resume
}

// TestKill kills processes at any step, up to three at once on one folder, some of them stopped for a while, and compares
// what comes out in the end with an undisturbed run.
func TestKill(t *testing.T) {
	want := commitlogtest.NewDisk()
	if err := killJob(2).work(bg, want); err != nil {
		t.Fatal(err)
	}
	wanted, begun := 200, time.Now()
	if testing.Short() {
		wanted = 30
	}
	total := 0
	for n := uint64(0); total < wanted; n++ {
		kills, err := killFolder(t, rand.New(rand.NewPCG(n, 1)), n%3 == 2, want.Files())
		total += kills
		if err != nil {
			t.Fatalf("folder %d, after %d kills: %v", n, total, err)
		}
	}
	t.Logf("%d kills in %v", total, time.Since(begun).Round(time.Millisecond))
}

// killFolder does one job to its end. Where the owners cut segments differently, the outcome depends on who wins, and only
// its content is compared.
func killFolder(t *testing.T, r *rand.Rand, differ bool, want map[string]string) (kills int, err error) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "out")
	fsys, err := commitlog.OpenOS(dir)
	if err != nil {
		return 0, err
	}
	cut := func() int64 {
		if differ {
			return 1 + r.Int64N(3)
		}
		return 2
	}
	check := func(final bool) error {
		got, err := osTree(dir)
		if err != nil {
			return err
		}
		err = verify(fsys, got, nil, final)
		if err == nil && final && !differ {
			err = diffTrees(got, want)
		}
		return err
	}
	for round := 0; round < 40 && kills < 25; round++ {
		var waits []func() (bool, error)
		var resumes sync.WaitGroup
		for range 1 + r.IntN(3) {
			kill, stop := 1+r.Int64N(250), int64(0)
			if r.IntN(4) == 0 {
				stop = 1 + r.Int64N(kill)
			}
			if r.IntN(2) == 0 {
				kill = -kill
			}
			wait, resume := launch(t, dir, kill, stop, cut())
			if stop > 0 {
				resumes.Go(func() { time.Sleep(20 * time.Millisecond); resume() })
			}
			waits = append(waits, wait)
		}
		var wg sync.WaitGroup
		results := make([]struct {
			killed bool
			err    error
		}, len(waits))
		for i, wait := range waits {
			wg.Go(func() { results[i].killed, results[i].err = wait() })
		}
		wg.Wait()
		resumes.Wait()
		for _, res := range results {
			if res.err != nil {
				return kills, res.err
			}
			if res.killed {
				kills++
			}
		}
		if err := check(false); err != nil {
			return kills, fmt.Errorf("round %d: %w", round, err)
		}
	}
	wait, _ := launch(t, dir, 0, 0, cut())
	if _, err := wait(); err != nil {
		return kills, err
	}
	return kills, check(true)
}
