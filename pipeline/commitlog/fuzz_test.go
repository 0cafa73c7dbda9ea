package commitlog_test

import (
	"bytes"
	"testing"

	"inoculate/pipeline/commitlog"
	"inoculate/pipeline/commitlog/commitlogtest"
)

// FuzzRecords: foreign bytes in place of a record or of the run record never panic; what decodes, encodes to the same bytes
// or is refused; and a chain with it ends in a typed error.
func FuzzRecords(f *testing.F) {
	clean := commitlogtest.NewDisk()
	if err := newJob(1, 4, 2).work(bg, clean); err != nil {
		f.Fatal(err)
	}
	files := clean.Files()
	for _, name := range []string{"_commits/run.json", chain0 + "start.json", record("0"), record("2")} {
		f.Add([]byte(files[name]), false)
	}
	for _, body := range []string{`{}`, `null`, `[]`, `{"run":"r1","partition":"a-0","first":0,"next":2,"prev":"","files":null,"counts":null,"bytes":0}`,
		`{"format":1,"id":"r1","plan":[{"id":"a"},{"id":"a"}]}`, `{"next":9223372036854775808}`, `{"files":[{"folder":"a","sha256":"é"}]}`} {
		f.Add([]byte(body), true)
	}
	f.Fuzz(func(t *testing.T, data []byte, sign bool) {
		if sign { // get past the hash
			var err error
			if data, _, err = commitlog.Encode(raw(data)); err != nil {
				return
			}
		}
		if r, err := commitlog.DecodeRecord(data); err == nil {
			again, hash, err := commitlog.Encode(&r)
			if err != nil || (hash == r.Hash) != bytes.Equal(again, data) {
				t.Errorf("hash and content disagree: %v\n%s\n%s", err, data, again)
			}
		}
		_, _, _ = commitlog.DecodeRun(data)
		for _, name := range []string{"_commits/run.json", chain0 + "start.json", record("0"), record("2")} {
			if string(data) == files[name] {
				continue
			}
			d := commitlogtest.NewDisk()
			if err := newJob(1, 4, 2).work(bg, d); err != nil {
				t.Fatal(err)
			}
			if err := d.Corrupt(name, func([]byte) []byte { return data }); err != nil {
				t.Fatal(err)
			}
			err := newJob(1, 4, 2).work(bg, d)
			if err == nil && name == record("2") && sign { // a record may differ in what the chain does not fix
				continue
			}
			if !isA[*commitlog.DamagedError](err) && !isA[*commitlog.MismatchError](err) {
				t.Errorf("%s replaced by %q: %v", name, data, err)
			}
		}
	})
}

// raw is a body that is encoded as it is.
type raw []byte

func (r raw) MarshalJSON() ([]byte, error) { return r, nil }
