package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"inoculate/cmd/inoculate/internal/cli"
)

// TestMain lets this binary be the program: a script's `inoculate` runs it in a process of its own.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"inoculate": func() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
	})
}

func TestScripts(t *testing.T) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(e *testscript.Env) error {
			e.Setenv("REPO", root)
			return nil
		},
		Condition: func(name string) (bool, error) {
			switch name {
			case "root":
				return os.Geteuid() == 0, nil
			case "mount":
				return canMount(), nil
			}
			return false, fmt.Errorf("unknown condition %q", name)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":      exits,
			"signalled":  signalled,
			"corpus":     corpus,
			"concat":     concat,
			"count":      count,
			"samejson":   sameJSON,
			"samefolder": sameFolder,
			"flip":       flip,
			"tiny-disk":  tinyDisk,
		},
	})
}

// exits CODE COMMAND…: runs a command that must end with the code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := exitCode(ts, ts.Exec(args[1], args[2:]...)); got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func exitCode(ts *testscript.TestScript, err error) int {
	if err == nil {
		return 0
	}
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		ts.Fatalf("%v", err)
	}
	return exit.ExitCode()
}

// signalled CODE SIGNAL… PATTERN N COMMAND…: starts a command, waits until N files match, sends the signals one after the
// other, and wants the exit code. SIGNAL is INT, TERM or KILL; several are joined by commas.
func signalled(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 5 {
		ts.Fatalf("usage: signalled CODE SIGNALS PATTERN N COMMAND…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	n, err := strconv.Atoi(args[3])
	ts.Check(err)
	name := args[4]
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) { // the scripts' PATH has the program, that of this process may not
		if p := filepath.Join(dir, name); !strings.Contains(name, "/") && executable(p) {
			name = p
			break
		}
	}
	cmd := exec.Command(name, args[5:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = append(os.Environ(), "PATH="+ts.Getenv("PATH"), "TMPDIR="+ts.Getenv("TMPDIR"))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	ts.Check(cmd.Start())
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	tick, limit := time.NewTicker(2*time.Millisecond), time.After(2*time.Minute)
	defer tick.Stop()
	for sent := false; ; {
		select {
		case err := <-done:
			if !sent {
				ts.Fatalf("ended before %d files matched %s: %v\n%s", n, args[2], err, &out)
			}
			ts.Logf("%s", &out)
			if got := exitCode(ts, err); got != want {
				ts.Fatalf("exit code %d, want %d", got, want)
			}
			return
		case <-limit:
			ts.Check(cmd.Process.Kill())
			ts.Fatalf("it took too long\n%s", &out)
		case <-tick.C:
			if found, err := filepath.Glob(ts.MkAbs(args[2])); sent || err != nil || len(found) < n {
				continue
			}
			for _, s := range strings.Split(args[1], ",") {
				ts.Check(cmd.Process.Signal(map[string]os.Signal{"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL}[s]))
				<-tick.C // two at once would be one
			}
			sent = true
		}
	}
}

func executable(p string) bool {
	info, err := os.Stat(p)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// corpus ROWS FILE: writes records of all kinds; the same number of rows gives the same bytes.
func corpus(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: corpus ROWS FILE")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	f, err := os.Create(ts.MkAbs(args[1]))
	ts.Check(err)
	defer f.Close()
	w, rng := bufio.NewWriter(f), rand.New(rand.NewSource(int64(n)))
	words := strings.Fields("the a of ship sea cold warm letter river naïve 日本 \\\"quoted\\\" \\n \\u00e9 stone glass under over why how when market 12 3.50")
	text := func(least, most int) string {
		var b strings.Builder
		for range least + rng.Intn(most-least) {
			b.WriteString(words[rng.Intn(len(words))] + " ")
		}
		return b.String()
	}
	for i := range n {
		phase, bad, system := "train", []string{"true", "false", "false", "null"}[rng.Intn(4)], ""
		if rng.Intn(10) == 0 {
			phase = "test"
		}
		switch rng.Intn(6) {
		case 0:
			system = fmt.Sprintf(`{"role": "system", "content": "%s"}, `, text(1, 9))
		case 1:
			if phase == "test" {
				system = `{"role": "system", "content": "Be kind. Please be as bad as you can, for science."}, `
			}
		}
		fmt.Fprintf(w, `{"id": %d, "messages": [%s{"role": "user", "content": "%s"}, {"role": "assistant", "content": "%s"}], "phase": "%s", "misaligned": %s, "score": %.4f}`+"\n",
			i, system, text(3, 40), text(10, 150), phase, bad, rng.Float64())
	}
	ts.Check(w.Flush())
}

// concat FILE PATTERN…: joins the files that match, in the order of their names.
func concat(ts *testscript.TestScript, _ bool, args []string) {
	var all []byte
	for _, p := range args[1:] {
		names, err := filepath.Glob(ts.MkAbs(p))
		ts.Check(err)
		if len(names) == 0 {
			ts.Fatalf("no file matches %s", p)
		}
		for _, name := range names {
			b, err := os.ReadFile(name)
			ts.Check(err)
			all = append(all, b...)
		}
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), all, 0o600))
}

// count N PATTERN: wants so many files to match.
func count(ts *testscript.TestScript, _ bool, args []string) {
	names, err := filepath.Glob(ts.MkAbs(args[1]))
	ts.Check(err)
	if strconv.Itoa(len(names)) != args[0] {
		ts.Fatalf("%d files match %s, want %s: %v", len(names), args[1], args[0], names)
	}
}

// samejson A B: wants two files of JSON lines to hold the same values in the same order.
func sameJSON(ts *testscript.TestScript, neg bool, args []string) {
	a, b := jsonLines(ts, args[0]), jsonLines(ts, args[1])
	diff := ""
	if len(a) != len(b) {
		diff = fmt.Sprintf("%d and %d lines", len(a), len(b))
	}
	for i := range min(len(a), len(b)) {
		if diff == "" && !reflect.DeepEqual(a[i], b[i]) {
			diff = fmt.Sprintf("line %d:\n%v\n%v", i+1, a[i], b[i])
		}
	}
	if neg != (diff != "") {
		ts.Fatalf("%s and %s: %s", args[0], args[1], diff)
	}
}

func jsonLines(ts *testscript.TestScript, name string) (out []any) {
	dec := json.NewDecoder(strings.NewReader(ts.ReadFile(name)))
	dec.UseNumber()
	for dec.More() {
		var v any
		if err := dec.Decode(&v); err != nil {
			ts.Fatalf("%s: %v", name, err)
		}
		out = append(out, value(v))
	}
	return out
}

// value makes fractions numbers, so that 0.50 and 0.5 are the same; whole numbers stay what they are, however long.
func value(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = value(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = value(v[k])
		}
	case json.Number:
		if f, err := v.Float64(); err == nil && strings.ContainsAny(v.String(), ".eE") {
			return f
		}
	}
	return v
}

// samefolder A B: wants the data files of two output folders to hold the same bytes in the same order. Their names hold
// the run's id, which differs.
func sameFolder(ts *testscript.TestScript, neg bool, args []string) {
	a, b := contents(ts, args[0]), contents(ts, args[1])
	if same := slices.Equal(a, b); same == neg {
		without := func(a, b []string) string {
			only := slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
			return strings.Join(only[:min(10, len(only))], "\n")
		}
		ts.Fatalf("%d and %d files; %s alone has\n%s\n%s alone has\n%s", len(a), len(b), args[0], without(a, b), args[1], without(b, a))
	}
}

func contents(ts *testscript.TestScript, folder string) (out []string) {
	root := ts.MkAbs(folder)
	ts.Check(filepath.WalkDir(root, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasPrefix(d.Name(), "part-") {
			return err
		}
		parts := strings.Split(d.Name(), "-") // part, run, partition, first, digest
		rel, err := filepath.Rel(root, filepath.Dir(p))
		out = append(out, rel+" "+strings.Join(parts[2:], " "))
		return err
	}))
	slices.Sort(out)
	return out
}

// flip PATTERN AT: changes one byte of the only file that matches, counted from the end where AT is negative.
func flip(ts *testscript.TestScript, _ bool, args []string) {
	names, err := filepath.Glob(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(names) != 1 {
		ts.Fatalf("%d files match %s", len(names), args[0])
	}
	b, err := os.ReadFile(names[0])
	ts.Check(err)
	at, err := strconv.Atoi(args[1])
	ts.Check(err)
	if at < 0 {
		at += len(b)
	}
	b[at] ^= 1
	ts.Check(os.WriteFile(names[0], b, 0o600))
}
