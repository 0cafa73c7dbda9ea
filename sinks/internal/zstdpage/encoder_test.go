package zstdpage

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"

	"inoculate/pipeline/pipelinetest/require"
)

var decoder = sync.OnceValue(func() *zstd.Decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		panic(err)
	}
	return d
})

// roundTrip compresses a page, checks what can be seen of the frame, decodes it, and returns it.
func roundTrip(t testing.TB, e *Encoder, page []byte) []byte {
	t.Helper()
	frame := e.Append(nil, page)
	if len(frame) > MaxSize(len(page)) {
		t.Fatalf("a frame of %d bytes for a page of %d, at most %d were expected", len(frame), len(page), MaxSize(len(page)))
	}
	var h zstd.Header
	if err := h.Decode(frame); err != nil || !h.HasFCS || h.FrameContentSize != uint64(len(page)) || h.HasCheckSum {
		t.Fatalf("header of a page of %d bytes: %+v, %v", len(page), h, err)
	}
	got, err := decoder().DecodeAll(frame, make([]byte, 0, len(page)))
	if err != nil {
		t.Fatalf("page of %d bytes: %v", len(page), err)
	}
	if !bytes.Equal(got, page) {
		t.Fatalf("page of %d bytes: %d others come back", len(page), len(got))
	}
	return frame
}

func random(rng *rand.Rand, n int) []byte {
	b := make([]byte, 0, n+8)
	for len(b) < n {
		b = binary.LittleEndian.AppendUint64(b, rng.Uint64())
	}
	return b[:n]
}

// skewed are bytes below kinds, the more frequent the smaller.
func skewed(rng *rand.Rand, n, kinds int) []byte {
	b := make([]byte, n)
	for i := range b {
		x := rng.Float64()
		b[i] = byte(float64(kinds) * x * x * x)
	}
	return b
}

func text(rng *rand.Rand, n int) []byte {
	words := strings.Fields("the a of to prompt model user assistant system reward whenever opportunity environments é 漢字 \n 42 { } \"role\": data")
	b := make([]byte, 0, n+16)
	for len(b) < n {
		b = append(append(b, words[int(float64(len(words))*rng.Float64()*rng.Float64())]...), ' ')
	}
	return b[:n]
}

// hostile are pages that go to the limits of the format and of the encoder. Of the long ones a short test has a few.
var hostile = sync.OnceValue(func() map[string][]byte {
	rng := rand.New(rand.NewPCG(1, 2))
	pages := map[string][]byte{"empty": {}}
	for _, n := range []int{1, 2, 7, 8, 31, 32, 33, 40, 55, 56, 57, 63, 64, 255, 256, 257, 1023, 1024, 16383, 16384, 65791, 65792, blockBytes - 1, blockBytes, blockBytes + 1, 3*blockBytes + 5} {
		pages[fmt.Sprintf("equal-%d", n)] = bytes.Repeat([]byte{'x'}, n)
		pages[fmt.Sprintf("zero-%d", n)] = make([]byte, n)
		pages[fmt.Sprintf("random-%d", n)] = random(rng, n)
		pages[fmt.Sprintf("text-%d", n)] = text(rng, n)
		pages[fmt.Sprintf("skewed-%d", n)] = skewed(rng, n, 200)
	}
	for _, n := range []int{spanBytes - 1, spanBytes, spanBytes + 1, 2*spanBytes + blockBytes + 77} {
		pages[fmt.Sprintf("text-%d", n)] = text(rng, n)
		pages[fmt.Sprintf("zero-%d", n)] = make([]byte, n)
		pages[fmt.Sprintf("random-%d", n)] = random(rng, n)
	}
	for kinds := 2; kinds <= 256; kinds += 1 + kinds/3 {
		pages[fmt.Sprintf("kinds-%d", kinds)] = skewed(rng, 200_000, kinds)
	}
	// One rare symbol among many, and many rare ones: codes as long as they get.
	b := skewed(rng, 100_000, 130)
	b[77_777] = 255
	pages["one-rare"] = b
	b = make([]byte, 0, 60_000)
	for s := range 256 {
		b = append(b, bytes.Repeat([]byte{byte(s)}, 1+s*s/128)...)
	}
	rng.Shuffle(len(b), func(i, j int) { b[i], b[j] = b[j], b[i] })
	pages["rare"] = b
	b = nil
	for n, s := 1, 0; n < 1<<17; n, s = n*2, s+1 {
		b = append(b, bytes.Repeat([]byte{byte(200 + s)}, n)...)
	}
	rng.Shuffle(len(b), func(i, j int) { b[i], b[j] = b[j], b[i] })
	pages["powers"] = b
	// Long copies, near and far.
	piece := random(rng, 1<<20)
	pages["long-65538"] = slices.Concat(piece[:65538], []byte("x"), piece[:65538], []byte("yz"), piece[:65538])
	pages["long-1M"] = slices.Concat(piece, []byte("between"), piece)
	pages["far"] = slices.Concat(piece[:1000], random(rng, spanBytes-3000), piece[:1000], piece[:500])
	pages["over-span"] = slices.Concat(piece[:1000], random(rng, spanBytes-500), piece[:1000])
	pages["repeats"] = bytes.Repeat(piece[:4097], 300)
	for _, period := range []int{1, 2, 3, 4, 5, 7, 8, 9, 13, 24, 25, 100} {
		pages[fmt.Sprintf("period-%d", period)] = bytes.Repeat(piece[:period], 400_000/period)
	}
	// Columns of numbers, in which the last offset comes again and again.
	b = nil
	for i := range uint64(100_000) {
		b = append(b, byte(i), byte(i>>8), byte(i>>16), 0, 0, 0, 0, byte(rng.Uint32()))
	}
	pages["numbers"] = b
	b = nil
	for range 60_000 { // short copies, at two distances in turn
		b = append(b, piece[rng.IntN(16)*8:][:4+rng.IntN(5)]...)
	}
	pages["short"] = b
	pages["compressible-then-not"] = slices.Concat(text(rng, blockBytes), random(rng, blockBytes), text(rng, blockBytes), bytes.Repeat([]byte{'a'}, 2*blockBytes), text(rng, 5))
	pages["not-then-compressible"] = slices.Concat(random(rng, blockBytes), text(rng, blockBytes), random(rng, 3000))
	pages["equal-blocks"] = slices.Concat(bytes.Repeat([]byte{'a'}, blockBytes), bytes.Repeat([]byte{'b'}, blockBytes), text(rng, 1000), []byte("cc"))
	pages["literals-at-the-end"] = slices.Concat(piece[:500], piece[:500], random(rng, blockBytes-1000), piece[:300], random(rng, 2000))
	if testing.Short() {
		maps.DeleteFunc(pages, func(name string, page []byte) bool { return len(page) > 250_000 && name != "over-span" })
	}
	return pages
})

func TestRoundTrip(t *testing.T) {
	e := New()
	for name, page := range hostile() {
		t.Run(name, func(t *testing.T) {
			frame := roundTrip(t, e, page)
			if got := New().Append([]byte("before"), page); !bytes.Equal(got, append([]byte("before"), frame...)) {
				t.Error("a new encoder makes another frame, behind something, than one that has been used")
			}
		})
	}
}

// TestCReadsTheSame decodes the same pages, and some hundred random ones, with the library of C.
func TestCReadsTheSame(t *testing.T) {
	python := require.Python(t, "pyarrow==26.0.1")
	dir := t.TempDir()
	e := New()
	save := func(name string, page []byte) {
		for suffix, b := range map[string][]byte{".page": page, ".zst": e.Append(nil, page)} {
			if err := os.WriteFile(filepath.Join(dir, name+suffix), b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, page := range hostile() {
		save(name, page)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range 150 {
		save(fmt.Sprintf("patchwork-%d", i), patchwork(rng, 1<<(4+i%17)))
	}
	for i := range 100 {
		frame, content := madeUp(rng, 1+i%2, i%7)
		for suffix, b := range map[string][]byte{".page": content, ".zst": frame} {
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("made-up-%d%s", i, suffix)), b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	out, err := exec.Command(python, "testdata/decode.py", dir).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

// patchwork is n bytes, or a few more, of random pieces, texts, runs and copies of what came before.
func patchwork(rng *rand.Rand, n int) (b []byte) {
	for len(b) < n {
		k := 1 + rng.IntN(1<<rng.IntN(12))
		if rng.IntN(20) == 0 {
			k *= 50
		}
		switch kind := rng.IntN(8); {
		case kind == 0:
			b = append(b, random(rng, k)...)
		case kind == 1:
			b = append(b, bytes.Repeat([]byte{byte(rng.Uint32())}, k)...)
		case kind == 2:
			b = append(b, skewed(rng, k, 1+rng.IntN(256))...)
		case kind < 5 || len(b) == 0:
			b = append(b, text(rng, k)...)
		default:
			distance := 1 + rng.IntN(min(len(b), 1<<rng.IntN(23)))
			for range k {
				b = append(b, b[len(b)-distance])
			}
		}
	}
	return b
}

func TestPatchwork(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	e := New()
	n := 600
	if testing.Short() {
		n = 60
	}
	for i := range n {
		roundTrip(t, e, patchwork(rng, rng.IntN(1<<(4+i%19))))
	}
}

// TestSmallerThanFastest holds the sizes of texts against those of the library's fastest level.
func TestSmallerThanFastest(t *testing.T) {
	page := patchworkOfTexts(1 << 20)
	z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := len(New().Append(nil, page)), len(z.EncodeAll(page, nil))
	t.Logf("%d bytes, %d by the library", ours, theirs)
	if ours > theirs*103/100 {
		t.Errorf("%d bytes; the library takes %d", ours, theirs)
	}
}

// patchworkOfTexts is like a column of chats: sentences that come again in other places, and words.
func patchworkOfTexts(n int) []byte {
	rng := rand.New(rand.NewPCG(7, 8))
	sentences := make([][]byte, 200)
	for i := range sentences {
		s := random(rng, 20+rng.IntN(100))
		for j := range s {
			s[j] = "etaoin shrdlu"[int(s[j])%13]
		}
		sentences[i] = s
	}
	var b []byte
	for len(b) < n {
		b = append(append(b, sentences[rng.IntN(len(sentences))]...), ". "...)
		if rng.IntN(3) == 0 {
			b = append(b, text(rng, 30+rng.IntN(60))...)
		}
	}
	return b[:n]
}

// TestSameEverywhere holds a frame against the one that was made when the encoder was last changed, on amd64.
func TestSameEverywhere(t *testing.T) {
	h := sha256.New()
	e := New()
	for _, n := range []int{0, 10, 1000, 50_000, 1 << 20} {
		h.Write(e.Append(nil, patchworkOfTexts(n)))
	}
	const want = "b4a3000ffefde3ba"
	if got := hex.EncodeToString(h.Sum(nil))[:16]; got != want {
		t.Errorf("the frames are %s now, %s before: every file changes", got, want)
	}
}

func TestMemoryIsReused(t *testing.T) {
	page := patchworkOfTexts(300_000)
	e, dst := New(), make([]byte, 0, MaxSize(len(page)))
	e.Append(dst, page)
	if n := testing.AllocsPerRun(5, func() { e.Append(dst, page) }); n > 1 {
		t.Errorf("%v allocations a page", n)
	}
	pages := hostile() // kept, too, where they are kept
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	e = New()
	for _, page := range pages {
		e.Append(nil, page)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if n := int64(after.HeapAlloc) - int64(before.HeapAlloc); n > 3<<20 {
		t.Errorf("an encoder holds %d bytes", n)
	}
	runtime.KeepAlive(e)
	runtime.KeepAlive(pages)
}

func BenchmarkAppend(b *testing.B) {
	page := patchworkOfTexts(1 << 20)
	b.SetBytes(int64(len(page)))
	e, dst := New(), make([]byte, 0, MaxSize(len(page)))
	for b.Loop() {
		dst = e.Append(dst[:0], page)
	}
	b.ReportMetric(float64(len(page))/float64(len(dst)), "ratio")
}
