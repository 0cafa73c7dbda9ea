package overlap

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/ipc"

	"inoculate/pipeline"
)

// folder holds key files in memory, and counts the temporary files that are open.
type folder struct {
	t       testing.TB
	dir     string
	files   map[string][]byte
	keys    Keys
	open    int
	records int64
	made    int
	fault   error // of the temporary file after the next
}

func newFolder(t testing.TB) *folder {
	f := &folder{t: t, dir: t.TempDir(), files: map[string][]byte{}}
	f.keys.Open = func(name string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(f.files[name])), nil }
	f.keys.Temp = func() (Temp, error) {
		if f.made++; f.fault != nil && f.made > 1 {
			return nil, f.fault
		}
		temp, err := TempIn(f.dir)
		f.open++
		return counted{temp, f}, err
	}
	return f
}

type counted struct {
	Temp
	f *folder
}

func (c counted) Close() error { c.f.open--; return c.Temp.Close() }

// add writes a key file of batches of rows.
func (f *folder) add(batches int, fill func() ([]pipeline.Phase, []pipeline.Key)) {
	var b bytes.Buffer
	w := ipc.NewWriter(&b, ipc.WithSchema(Schema))
	var all Builder
	for range batches {
		phases, keys := fill()
		for _, ph := range phases {
			if ph == pipeline.PhaseTest {
				f.keys.Tests++
			}
		}
		all.Append(phases, keys)
		if rows := all.Len(); rows > 0 && (batches < 3 || rows > 100) {
			rec := all.Record()
			f.records += rec.NumRows()
			if err := w.Write(rec); err != nil || int64(rows) != rec.NumRows() || all.Len() > 0 {
				f.t.Fatal(err)
			}
			rec.Release()
		}
	}
	if all.Len() > 0 {
		rec := all.Record()
		f.records += rec.NumRows()
		if err := w.Write(rec); err != nil {
			f.t.Fatal(err)
		}
		rec.Release()
	}
	if err := w.Close(); err != nil {
		f.t.Fatal(err)
	}
	name := fmt.Sprint(len(f.files))
	f.files[name] = b.Bytes()
	f.keys.Files = append(f.keys.Files, name)
}

// left fails the test where temporary files were left.
func (f *folder) left() {
	f.t.Helper()
	entries, err := os.ReadDir(f.dir)
	if err != nil || len(entries) > 0 || f.open != 0 {
		f.t.Fatalf("left %d open, %v (%v)", f.open, entries, err)
	}
}

// TestFind compares with the plain way: keys that meet often, keys that share their high bits, keys that most test records
// have, in one file and in several; with all keys in memory, with few of them, with one.
func TestFind(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	deep := false
	for round := range 60 {
		f := newFolder(t)
		train, test := map[uint64]bool{}, []uint64{}
		trainUser, testUser := map[uint64]bool{}, []uint64{}
		low := uint(rng.IntN(61)) // how many bits the keys differ in, at the low end or the high one
		for range 1 + rng.IntN(3) {
			f.add(rng.IntN(4), func() ([]pipeline.Phase, []pipeline.Key) {
				n := rng.IntN(200)
				phases, keys := make([]pipeline.Phase, n), make([]pipeline.Key, n)
				for i := range n {
					phases[i] = pipeline.Phase(rng.IntN(4))
					keys[i] = pipeline.Key{Conversation: rng.Uint64N(300) << low, User: rng.Uint64N(50) * 0x123456789abcdef}
					if rng.IntN(2) == 0 {
						keys[i].User = 0xfedcba9876543210
					}
					switch k := keys[i]; phases[i] {
					case pipeline.PhaseTrain:
						train[k.Conversation], trainUser[k.User] = true, true
					case pipeline.PhaseTest:
						test, testUser = append(test, k.Conversation), append(testUser, k.User)
					}
				}
				return phases, keys
			})
		}
		want := Counts{Records: f.records}
		for i := range test {
			if test[i] != 0 && train[test[i]] {
				want.Conversations++
			}
			if testUser[i] != 0 && trainUser[testUser[i]] {
				want.UserPrompts++
			}
		}
		most := []int{1 << 18, 16, 4}[round%3]
		got, err := find(t.Context(), f.keys, most)
		if err != nil || got != want {
			t.Fatalf("round %d, %d keys at once: %+v (%v), want %+v", round, most, got, err, want)
		}
		f.left()
		deep = deep || f.made > 2*fan
	}
	if !deep {
		t.Error("no part was spread again and again")
	}
}

func randomFolder(t testing.TB, records, batch int, test float64) *folder {
	f := newFolder(t)
	rng := rand.New(rand.NewPCG(3, 4))
	f.add(records/batch, func() ([]pipeline.Phase, []pipeline.Key) {
		phases, keys := make([]pipeline.Phase, batch), make([]pipeline.Key, batch)
		for i := range batch {
			phases[i] = pipeline.PhaseTrain
			if rng.Float64() < test {
				phases[i] = pipeline.PhaseTest
			}
			keys[i] = pipeline.Key{Conversation: rng.Uint64(), User: rng.Uint64N(uint64(records)) * 0x9e3779b97f4a7c15}
		}
		return phases, keys
	})
	return f
}

// TestFindEnds cancels after each of the files that are opened and made.
func TestFindEnds(t *testing.T) {
	cause := errors.New("time is up")
	for after := 1; ; after += 1 + after/4 {
		f := randomFolder(t, 1000, 100, 0.5)
		ctx, cancel := context.WithCancelCause(t.Context())
		n := 0
		tick := func() {
			if n++; n == after {
				cancel(cause)
			}
		}
		open, temp := f.keys.Open, f.keys.Temp
		f.keys.Open = func(name string) (io.ReadCloser, error) { tick(); return open(name) }
		f.keys.Temp = func() (Temp, error) { tick(); return temp() }
		_, err := find(ctx, f.keys, 4)
		f.left()
		if n < after {
			if err != nil || n < fan {
				t.Fatalf("%v after %d files", err, n)
			}
			return
		}
		if !errors.Is(err, cause) {
			t.Fatalf("cancelled at file %d of %d: %v", after, n, err)
		}
	}
}

func TestFindFaults(t *testing.T) {
	full := errors.New("disk full")
	for name, c := range map[string]struct {
		change func(*folder)
		want   string
	}{
		"no room for keys": {func(f *folder) { f.fault = full }, "making a file for keys: disk full"},
		"cut off":          {func(f *folder) { f.files["0"] = f.files["0"][:len(f.files["0"])/2] }, "comparing keys of 0: "},
		"another file":     {func(f *folder) { f.files["0"] = []byte("PAR1") }, "comparing keys of 0: "},
		"more test keys":   {func(f *folder) { f.keys.Tests = 3 }, "comparing keys of 0: more than the 3 test records"},
		"closing fails": {func(f *folder) {
			temp := f.keys.Temp
			f.keys.Temp = func() (Temp, error) { x, err := temp(); return unclosable{x}, err }
		}, "cannot close"},
	} {
		t.Run(name, func(t *testing.T) {
			f := randomFolder(t, 2000, 100, 0.5)
			c.change(f)
			_, err := find(t.Context(), f.keys, 4)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %s", err, c.want)
			}
			f.left()
		})
	}
}

type unclosable struct{ Temp }

func (u unclosable) Close() error { return errors.Join(u.Temp.Close(), errors.New("cannot close")) }

// BenchmarkFind has one test record in ten; read alone is the floor.
func BenchmarkFind(b *testing.B) {
	const records = 10_000_000
	f := randomFolder(b, records, 50_000, 0.1)
	per := func(b *testing.B) {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/records, "ns/record")
	}
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			for range 2 {
				if err := f.keys.each(b.Context(), func([]uint8, []uint64, []uint64) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
		}
		per(b)
	})
	for _, most := range []int{1 << 20, 1 << 18, 1 << 16, 1 << 14} {
		b.Run(fmt.Sprintf("held=%d", most), func(b *testing.B) {
			for b.Loop() {
				if _, err := find(b.Context(), f.keys, most); err != nil {
					b.Fatal(err)
				}
			}
			per(b)
		})
	}
}
