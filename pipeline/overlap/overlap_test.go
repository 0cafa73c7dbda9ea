package overlap

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"inoculate/pipeline"
)

// TestFind compares with the plain way, with keys that meet often, in one file and in several.
func TestFind(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 30 {
		data := map[string][]byte{}
		var files []string
		train, test := map[uint64]bool{}, []uint64{}
		trainUser, testUser := map[uint64]bool{}, []uint64{}
		for f := range 1 + rng.IntN(3) {
			var b bytes.Buffer
			w := ipc.NewWriter(&b, ipc.WithSchema(Schema))
			for range rng.IntN(4) {
				n := rng.IntN(200)
				phases, keys := make([]pipeline.Phase, n), make([]pipeline.Key, n)
				for i := range n {
					phases[i] = pipeline.Phase(rng.IntN(4))
					keys[i] = pipeline.Key{Conversation: rng.Uint64N(300) << 55, User: rng.Uint64N(50) * 0x123456789abcdef}
					switch k := keys[i]; phases[i] {
					case pipeline.PhaseTrain:
						train[k.Conversation], trainUser[k.User] = true, true
					case pipeline.PhaseTest:
						test, testUser = append(test, k.Conversation), append(testUser, k.User)
					}
				}
				if rec, rows := Record(mem, phases, keys); rec != nil {
					if err := w.Write(rec); err != nil || int64(rows) != rec.NumRows() {
						t.Fatal(err)
					}
					rec.Release()
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			name := fmt.Sprint(f)
			data[name] = b.Bytes()
			files = append(files, name)
		}
		want := Counts{}
		for i := range test {
			if test[i] != 0 && train[test[i]] {
				want.Conversations++
			}
			if testUser[i] != 0 && trainUser[testUser[i]] {
				want.UserPrompts++
			}
		}
		tests := int64(len(test))
		if round%2 == 0 {
			tests = 3 * perPass // several passes give the same
		}
		got, err := Find(files, tests, func(name string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data[name])), nil })
		if err != nil || got != want {
			t.Fatalf("%+v (%v), want %+v", got, err, want)
		}
	}
}
