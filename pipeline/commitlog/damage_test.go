package commitlog_test

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"inoculate/pipeline"
	"inoculate/pipeline/commitlog"
	"inoculate/pipeline/commitlog/commitlogtest"
)

const chain0 = "_commits/r1/a-0/"

func record(first string) string {
	return chain0 + strings.Repeat("0", 20-len(first)) + first + ".json"
}

// whole returns a disk with a run of 3 records in each of 2 partitions.
func whole(t *testing.T) *commitlogtest.Disk {
	t.Helper()
	d := commitlogtest.NewDisk()
	if err := newJob(2, 6, 2).work(bg, d); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestDamage: whatever is wrong with a chain is refused, and the message names the file.
func TestDamage(t *testing.T) {
	copyOf := func(from string) func(*commitlogtest.Disk) func([]byte) []byte {
		return func(d *commitlogtest.Disk) func([]byte) []byte {
			data := []byte(d.Files()[from])
			return func([]byte) []byte { return data }
		}
	}
	always := func(f func([]byte) []byte) func(*commitlogtest.Disk) func([]byte) []byte {
		return func(*commitlogtest.Disk) func([]byte) []byte { return f }
	}
	for _, c := range []struct {
		name, file, cause string
		change            func(*commitlogtest.Disk) func([]byte) []byte // nil: removed
		names             string                                        // file in the message, where another one
	}{
		{"empty", record("2"), "truncated", always(func([]byte) []byte { return nil }), ""},
		{"truncated", record("2"), "truncated", always(func(b []byte) []byte { return b[:len(b)-5] }), ""},
		{"longer", record("2"), "hash differ", always(func(b []byte) []byte { return append(b[:len(b)-2], " }\n"...) }), ""},
		{"flipped", record("4"), "hash differ", always(func(b []byte) []byte { b[len(b)/2] ^= 1; return b }), ""},
		{"hash flipped", record("4"), "hash differ", always(func(b []byte) []byte { b[20] ^= 1; return b }), ""},
		{"hole", record("2"), "position 4 stands behind it", nil, ""},
		{"first one gone", record("0"), "position 2 stands behind it", nil, ""},
		{"start gone", chain0 + "start.json", "missing, and there are records", nil, ""},
		{"start torn", chain0 + "start.json", "not a start record", always(func(b []byte) []byte { return b[:9] }), ""},
		{"start of another partition", chain0 + "start.json", "partition b-0", copyOf("_commits/r1/b-0/start.json"), ""},
		{"of another partition", record("2"), "partition b-0", copyOf(strings.Replace(record("2"), "/a-0/", "/b-0/", 1)), ""},
		{"of another position", record("2"), "position 4", copyOf(record("4")), ""},
		{"run record torn", "_commits/run.json", "not a run record", always(func(b []byte) []byte { return b[:len(b)/2] }), ""},
		{"wrong predecessor", record("2"), "follows record", always(forge(func(r *commitlog.Record) { r.Prev = strings.Repeat("0", 64) })), ""},
		{"another run", record("2"), "run r9", always(forge(func(r *commitlog.Record) {
			r.Run = "r9"
			for i := range r.Files {
				r.Files[i].Name = strings.Replace(r.Files[i].Name, "-r1-", "-r9-", 1)
			}
		})), ""},
		{"beyond the end", record("4"), "beyond the planned end", always(forge(func(r *commitlog.Record) { r.Next = 7 })), ""},
		{"overlapping", record("0"), "3 records before position 6, 2 of them", always(forge(func(r *commitlog.Record) { r.Next = 4 })), "_commits/r1/a-0"},
		{"backwards", record("2"), "is empty", always(forge(func(r *commitlog.Record) { r.Next = 1 })), ""},
		{"foreign file", record("2"), "not the name of a file", always(forge(func(r *commitlog.Record) { r.Files[0].Name = "../../x" })), ""},
		{"folder outside", record("2"), "folder", always(forge(func(r *commitlog.Record) { r.Files[0].Folder = "../x" })), ""},
		{"successor of a forged record", record("0"), "follows record", always(forge(func(r *commitlog.Record) { r.Bytes++ })), record("2")},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := whole(t)
			if c.change == nil {
				if err := d.Remove(c.file); err != nil {
					t.Fatal(err)
				}
			} else if err := d.Corrupt(c.file, c.change(d)); err != nil {
				t.Fatal(err)
			}
			if c.name == "overlapping" { // make the rest of the chain fit
				relink(t, d)
			}
			before := d.Files()
			err := newJob(2, 6, 2).work(bg, d)
			damaged, ok := errors.AsType[*commitlog.DamagedError](err)
			want := c.file
			if c.names != "" {
				want = c.names
			}
			if !ok || damaged.File != want || !strings.Contains(err.Error(), c.cause) {
				t.Errorf("got %v, want a damaged %s: …%s…", err, want, c.cause)
			}
			if err := diffTrees(d.Files(), before); err != nil {
				t.Errorf("a damaged folder was changed: %v", err)
			}
		})
	}
}

// forge changes a record and signs it anew.
func forge(f func(*commitlog.Record)) func([]byte) []byte {
	return func(b []byte) []byte {
		r, err := commitlog.DecodeRecord(b)
		if err != nil {
			panic(err)
		}
		f(&r)
		data, _, err := commitlog.Encode(&r)
		if err != nil {
			panic(err)
		}
		return data
	}
}

// relink makes the record at 4 follow the one at 0.
func relink(t *testing.T, d *commitlogtest.Disk) {
	t.Helper()
	r, err := commitlog.DecodeRecord([]byte(d.Files()[record("0")]))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Corrupt(record("4"), forge(func(s *commitlog.Record) { s.Prev = r.Hash })); err != nil {
		t.Fatal(err)
	}
}

// TestEveryFlippedBit: no single bit of a record can change unnoticed.
func TestEveryFlippedBit(t *testing.T) {
	files := whole(t).Files()
	good := []byte(files[record("2")])
	run := []byte(files["_commits/run.json"])
	for i := range len(good) * 8 {
		b := bytes.Clone(good)
		b[i/8] ^= 1 << (i % 8)
		if _, err := commitlog.DecodeRecord(b); err == nil {
			t.Fatalf("bit %d of a commit record flipped unnoticed", i)
		}
	}
	for i := range len(run) {
		b := bytes.Clone(run)
		b[i] ^= 4
		if _, _, err := commitlog.DecodeRun(b); err == nil {
			t.Fatalf("byte %d of the run record flipped unnoticed", i)
		}
	}
}

// TestMissingData: a committed file that is gone, or has another size, is found by Settle.
func TestMissingData(t *testing.T) {
	for _, gone := range []bool{true, false} {
		d := whole(t)
		names := slices.DeleteFunc(slices.Sorted(maps.Keys(d.Files())), func(n string) bool { return !strings.HasPrefix(n, "train/") })
		if gone {
			if err := d.Remove(names[0]); err != nil {
				t.Fatal(err)
			}
		} else if err := d.Corrupt(names[0], func(b []byte) []byte { return b[:1] }); err != nil {
			t.Fatal(err)
		}
		l, err := commitlog.Open(bg, d)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Settle(bg, nil); !isA[*commitlog.DamagedError](err) || !strings.Contains(err.Error(), names[0]) {
			t.Errorf("got %v", err)
		}
	}
}

// TestMismatch: another config, other prompts, another schema, other input.
func TestMismatch(t *testing.T) {
	for what, change := range map[string]func(*commitlog.Run){
		"another config":         func(r *commitlog.Run) { r.ConfigSHA256 = "x" },
		"another set of prompts": func(r *commitlog.Run) { r.PromptsSHA256 = "x" },
		"another schema":         func(r *commitlog.Run) { r.SchemaSHA256 = "x" },
		"3 partitions, now 2":    func(r *commitlog.Run) { r.Plan = r.Plan[:2] },
		"has changed":            func(r *commitlog.Run) { r.Plan[1].Fingerprint = "g" },
		"[0,6), now":             func(r *commitlog.Run) { r.Plan[1].End = 7 },
	} {
		d := commitlogtest.NewDisk()
		j := newJob(3, 6, 2)
		if err := j.work(bg, d); err != nil {
			t.Fatal(err)
		}
		change(&j.run)
		_, err := commitlog.Start(bg, d, j.run)
		if !isA[*commitlog.MismatchError](err) || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, same := range []func(*commitlog.Run){
		func(r *commitlog.Run) { r.ID = "" }, func(r *commitlog.Run) { r.Version = "9" }, func(r *commitlog.Run) { r.Created = r.Created.AddDate(1, 0, 0) },
	} {
		d := commitlogtest.NewDisk()
		j := newJob(1, 6, 2)
		if err := j.work(bg, d); err != nil {
			t.Fatal(err)
		}
		same(&j.run)
		if err := j.work(bg, d); err != nil {
			t.Error(err)
		}
	}
}

// TestIDs: what can't be a file name everywhere is refused.
func TestIDs(t *testing.T) {
	for id, ok := range map[string]bool{
		"a": true, "train-00-1": true, strings.Repeat("a", 64): true, "": false, "A": false, "a/b": false, "..": false, "a_b": false,
		"-a": false, "a-": false, "con": false, "lpt1": false, "com": true, "lpt12": true, "é": false, strings.Repeat("a", 65): false,
	} {
		run := commitlog.Run{Plan: []pipeline.Partition{{ID: id}}}
		if _, err := commitlog.Start(bg, commitlogtest.NewDisk(), run); (err == nil) != ok {
			t.Errorf("partition %q: %v", id, err)
		}
	}
	run := commitlog.Run{Plan: []pipeline.Partition{{ID: "a"}, {ID: "a"}}}
	if _, err := commitlog.Start(bg, commitlogtest.NewDisk(), run); err == nil {
		t.Error("one id twice")
	}
	l, err := commitlog.Start(bg, commitlogtest.NewDisk(), commitlog.Run{ID: "r1"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		run, p, folder, ext string
		ok                  bool
	}{
		{"r1", "a-0", "train", "txt", true}, {"r1", "a-0", "parquet/train", "jsonl.zst", true}, {"r1", "a-0", "_provenance", "parquet", true},
		{"r-1", "a-0", "train", "txt", false}, {"r1", "A", "train", "txt", false}, {"r1", "a-0", "", "txt", false}, {"r1", "a-0", "../x", "txt", false},
		{"r1", "a-0", "/x", "txt", false}, {"r1", "a-0", "x/", "txt", false}, {"r1", "a-0", "_commits", "txt", false}, {"r1", "a-0", ".staging", "txt", false},
		{"r1", "a-0", "train", "", false}, {"r1", "a-0", "train", ".txt", false}, {"r1", "a-0", "train", "a/b", false}, {"r1", "a-0", "Train", "txt", false},
	} {
		tmp, err := l.Staging().Create(pipeline.Segment{Run: c.run, Partition: c.p}, c.folder, c.ext)
		if (err == nil) != c.ok {
			t.Errorf("%+v: %v", c, err)
		}
		if err == nil {
			if err := errors.Join(tmp.Abort(), tmp.Abort()); err != nil {
				t.Error(err)
			}
			if _, err := tmp.Write([]byte("x")); err == nil {
				t.Error("written after Abort")
			}
		}
	}
}

// TestManifest: a manifest that covers more stays.
func TestManifest(t *testing.T) {
	d := commitlogtest.NewDisk()
	l, err := commitlog.Start(bg, d, commitlog.Run{ID: "r1"})
	if err != nil {
		t.Fatal(err)
	}
	put := func(s string) error {
		return l.WriteManifest(bg, "manifest.json", []byte(s), func(old []byte) bool { return len(old) > len(s) })
	}
	if err := errors.Join(put("12"), put("123")); err != nil {
		t.Fatal(err)
	}
	if err := put("1"); !errors.Is(err, commitlog.ErrLonger) {
		t.Errorf("got %v", err)
	}
	if got := d.Files()["manifest.json"]; got != "123" {
		t.Errorf("manifest %q", got)
	}
	if _, err := l.ReadFile("absent"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := commitlog.Open(bg, commitlogtest.NewDisk()); !errors.Is(err, commitlog.ErrNoRun) {
		t.Error(err)
	}
}
