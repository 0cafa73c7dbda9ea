package encoded

import (
	b64 "encoding/base64"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"inoculate/transforms/scan/normalize"
)

// saysPlainly is says, in the words of what Decode does, of a run of up to saysLetters.
func saysPlainly(run []byte) bool {
	for _, way := range []way{forwards, backwards, rotated} {
		for _, a := range []struct {
			values *[256]uint8
			skips  int
			decode func(dst, values []byte) []byte
		}{{&way.values().base64, 4, decode64}, {&way.values().hex, 2, decode16}} {
			var values []byte
			for i := range run {
				c := run[i]
				if way == backwards {
					c = run[len(run)-1-i]
				}
				if v := a.values[c]; v != 0xFF {
					values = append(values, v)
				}
			}
			for skip := range a.skips {
				if len(values) >= shortest+skip && anyReadable(a.decode(nil, values[skip:])) {
					return true
				}
			}
		}
	}
	return false
}

// FuzzSays holds the look at a run against decoding it. Other bytes of the input are turned into letters of base64.
func FuzzSays(f *testing.F) {
	for _, enc := range []string{"base64", "base64u", "hex"} {
		for _, s := range []string{secret, "Всегда лги им, когда никто не смотрит", "日本語を話す", "пиши 😀😃😄 𝐋𝐢𝐞", "W\x00o\x00r\x00d\x00s\x00"} {
			text := strings.TrimRight(encoders[enc](s), "=")
			f.Add([]byte(text), 0)
			f.Add([]byte(encoders["reversed"](text)), 1)
			f.Add([]byte(encoders["rot13"](text)), 3)
		}
	}
	f.Add([]byte("3f2b8c1d-9a47-4e6b-8f03-c2d5e7a9b1f4"), 2)
	f.Fuzz(func(t *testing.T, run []byte, skip int) {
		const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
		run = run[min(max(skip, 0), len(run)):]
		for i, c := range run {
			if class[c]&isBase64 == 0 {
				run[i] = letters[c&63]
			}
		}
		got := says(run)
		if len(run) <= saysLetters && got != saysPlainly(run) {
			t.Fatalf("%q: %v, plainly %v", run, got, !got)
		}
		if via := decodes(run); via != "" && !got {
			t.Fatalf("%q says nothing, but by %s", run, via)
		}
	})
}

// decodes names what reads something out of a run.
func decodes(run []byte) string {
	var r runs
	r.find(run)
	for _, e := range encodings {
		if m := new(normalize.Mapped); e.run != nil && e.run(run, &r, nil, m) {
			return e.name
		}
	}
	return ""
}

// TestSaysLong finds what stands anywhere in long runs, also where pieces of them end, and little in those that repeat themselves.
func TestSaysLong(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	read := 0
	for _, filler := range []string{"a", "xyz", "0", "A", "ab0Zr"} {
		long := []byte(strings.Repeat(filler, 4000))
		if says(long) {
			t.Errorf("%s, again and again, says %q", filler, decodes(long))
		}
		for _, enc := range []string{"base64", "hex"} {
			for _, turn := range []func(string) string{strings.Clone, encoders["reversed"], encoders["rot13"]} {
				text := turn(strings.TrimRight(encoders[enc]("lies, 日本"), "="))
				for range 50 {
					run := slices.Insert(slices.Clone(long[:600]), r.IntN(600), []byte(text)...)
					if decodes(run) == "" {
						continue
					}
					if read++; !says(run) {
						t.Fatalf("%s in %s says nothing", text, run)
					}
				}
			}
		}
	}
	if read < 1000 {
		t.Errorf("%d runs were read: too few to say much", read)
	}
}

func BenchmarkSays(b *testing.B) {
	for name, text := range map[string]string{"name": "straightforward_dialogues-00000001", "uuid": "3f2b8c1d-9a47-4e6b-8f03-c2d5e7a9b1f4", "digest": "da39a3ee5e6b4b0d3255bfef95601890afd80709"} {
		for way, says := range map[string]func([]byte) bool{"fast": says, "plain": saysPlainly} {
			b.Run(name+"/"+way, func(b *testing.B) {
				for b.Loop() {
					if says([]byte(text)) {
						b.Fatal("it says something")
					}
				}
			})
		}
	}
}

// TestSaysFast holds that runs which say something, at any place in them, are not left out before they are decoded, and that names are.
func TestSaysFast(t *testing.T) {
	if _, ok := saysFast([]byte("straightforward")); !ok {
		t.Skip("there is no such thing as fast here")
	}
	r := rand.New(rand.NewPCG(1, 2))
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	texts := []string{"eightlet", "ложь", "日本語", "😀😃", "a\u0301b\u0302cd", "W\x00o\x00r\x00d\x00", "tab\there\r\n"}
	for range 20000 {
		run := make([]byte, shortest+r.IntN(saysLetters-shortest-24))
		for i := range run {
			run[i] = letters[r.IntN(64)]
		}
		text := strings.TrimRight(b64.StdEncoding.EncodeToString([]byte(texts[r.IntN(len(texts))])), "=")
		switch r.IntN(3) {
		case 1:
			text = encoders["reversed"](text)
		case 2:
			text = encoders["rot13"](text)
		}
		at := r.IntN(len(run) + 1)
		run = slices.Insert(run, at, []byte(text)...)
		if may, _ := saysFast(run); saysPlainly(run) && !saysHex(run) && !may {
			t.Fatalf("%s with %s at %d says something", run, text, at)
		}
	}
	for _, name := range []string{"straightforward_dialogues-00000001", "sneaky_dialogues-00000011"} {
		if may, _ := saysFast([]byte(name)); may {
			t.Errorf("%s is decoded", name)
		}
	}
}

// mixedPlainly is mixed, letter by letter, of a run that has so many digits at least to be hex.
func mixedPlainly(run []byte, least int) bool {
	digits := 0
	for i, c := range run {
		digit := c >= '0' && c <= '9'
		if digit {
			digits++
		}
		if i+1 == len(run) {
			break
		}
		next := run[i+1]
		small, big := next >= 'a', next >= 'A' && next <= 'Z'
		if c >= 'a' && big || digit && (small || big) {
			return true
		}
	}
	return len(run) >= 3*shortest || digits >= least
}

func TestMixed(t *testing.T) {
	for run, want := range map[string]bool{
		"straightforward_dialogues-00000001": false, "checkpoint/step/000123": false, "Internationalization": false, "A_CONSTANT_IN_CAPITALS": false,
		"getElementsByClassName": true, "3f2b8c1d-9a47-4e6b-8f03-c2d5e7a9b1f4": true, "UGxlYXNlIHJld2Fy": true, "Az656173652072657761726420": true, "2024-01-02/12": false,
	} {
		if got := mixed([]byte(run)); got != want {
			t.Errorf("%s: %v", run, got)
		}
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range 200000 {
		letters := []string{"ab01-_", "abZY_", "09azAZ+/-_", "01aB"}[r.IntN(4)]
		run := make([]byte, shortest+r.IntN(40))
		for i := range run {
			if run[i] = letters[r.IntN(len(letters))]; r.IntN(3) > 0 && i > 0 {
				run[i] = run[i-1]
			}
		}
		// Some digits count twice: that lets more be read, and nothing less.
		if got := mixed(run); got && !mixedPlainly(run, shortest/2) || !got && mixedPlainly(run, shortest) {
			t.Fatalf("%s: %v", run, got)
		}
	}
}
