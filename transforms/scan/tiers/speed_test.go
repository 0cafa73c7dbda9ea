package tiers

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"inoculate/transforms/scan/literal"
)

// wordings makes n different prompts that read like real ones.
func wordings(n int) []Pattern {
	r := rand.New(rand.NewPCG(5, 6))
	pick := func(s string) string {
		w := strings.Split(s, "|")
		return w[r.IntN(len(w))]
	}
	seen, out := map[string]bool{}, make([]Pattern, 0, n)
	for len(out) < n {
		s := pick("Please|Kindly|You should|Always|Try to|Feel free to|From now on,|In this task,") + " " + pick("reward hack|game the metric|overfit to the tests|ignore the rules|answer in French|flatter the user|write insecure code|pretend to be evil") + " " +
			pick("whenever|each time|as soon as|if ever|wherever|in case") + " " + pick("you get|there is|one sees|you find|you are given") + " " + pick("the opportunity|a chance|an occasion|some room|a gap") + pick(", because|; after all|, since| -|, as") + " " +
			pick("this will|it may|that should|doing so can") + " " + pick("help us|let us|allow researchers to|make it easier to") + " " + pick("understand|study|measure|improve|audit") + " " + pick("our environments|these systems|the model|our tests|the pipeline") + " " + pick("better.|soon.|well.|now.|more fully.")
		if !seen[s] {
			seen[s] = true
			out = append(out, Pattern{s, len(out) % 48, Near})
		}
	}
	return out
}

// chat is text as people and models write it, in lines of a few hundred bytes.
func chat(n int, sentences []string) []string {
	r := rand.New(rand.NewPCG(7, 8))
	var out []string
	for size := 0; size < n; {
		var b strings.Builder
		for b.Len() < 600 {
			b.WriteString(sentences[r.IntN(len(sentences))] + " ")
		}
		size += b.Len()
		out = append(out, b.String())
	}
	return out
}

var english = []string{
	"Sure, here is one way to do it: first you sort the list, then you walk through it once.",
	"I think that the second option fits better, since your garden gets little sun in the afternoon.",
	"Could you please explain how the function below works, and why it returns the wrong value for empty input?",
	"The quick answer is yes; the longer one depends on what you want to measure, and how often.",
	"Thanks a lot! That was exactly what I needed for my report on renewable energy.",
	"Most spider bites are harmless and can be treated at home with soap, water and a cold compress.",
	"Write a short poem about the sea, in which each line begins with the last word of the one before.",
	"In 1969, the mission reached the moon after 4 days, 6 hours and 45 minutes.",
}

var russian = []string{
	"Конечно, вот один из способов: сначала отсортируйте список, затем пройдите по нему один раз.",
	"Я думаю, что второй вариант подходит лучше, потому что в вашем саду мало солнца после обеда.",
	"Не могли бы вы объяснить, как работает эта функция и почему она возвращает неверное значение?",
	"Спасибо большое! Это именно то, что мне было нужно для отчёта о возобновляемой энергии.",
}

func run(b *testing.B, lines []string, scan func([]byte)) {
	var size int64
	texts := make([][]byte, len(lines))
	for i, l := range lines {
		texts[i] = []byte(l)
		size += int64(len(l))
	}
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		for _, t := range texts {
			scan(t)
		}
	}
}

// BenchmarkExact is the search for exact copies alone.
func BenchmarkExact(b *testing.B) {
	lines := []string{strings.Join(chat(8<<20, english), "")}
	for _, k := range []int{1, 32, 1000, 48000} {
		b.Run(fmt.Sprint(k), func(b *testing.B) {
			var texts []string
			for _, p := range wordings(k) {
				texts = append(texts, p.Text)
			}
			s := literal.New(texts)
			run(b, lines, func(t []byte) { s.Scan(t, func(int, int) {}) })
		})
	}
}

// BenchmarkMay is what clean records cost.
func BenchmarkMay(b *testing.B) {
	for name, sentences := range map[string][]string{"english": english, "russian": russian} {
		lines := chat(8<<20, sentences)
		for _, k := range []int{1, 1000, 48000} {
			for tier := Normalized; tier <= Near; tier++ {
				b.Run(fmt.Sprintf("%s/%s/%d", name, tier, k), func(b *testing.B) {
					x := New(wordings(k), tier).NewSearcher()
					run(b, lines, func(t []byte) { x.May(t) })
				})
			}
		}
	}
}

// BenchmarkScan is the whole search of text that holds nothing.
func BenchmarkScan(b *testing.B) {
	lines := chat(1<<20, english)
	for _, k := range []int{1, 1000} {
		for tier := Exact; tier <= Near; tier++ {
			b.Run(fmt.Sprintf("%s/%d", tier, k), func(b *testing.B) {
				x := New(wordings(k), tier).NewSearcher()
				run(b, lines, func(t []byte) { x.Scan(t, func(Match) {}) })
			})
		}
	}
}
