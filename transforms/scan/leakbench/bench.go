package leakbench

import (
	_ "embed"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"unicode"

	"inoculate/transforms/scan/tiers"
)

// prompts.txt has prompts of the public papers and code on inoculation, as they print them.
//
//go:embed testdata/prompts.txt
var promptsText string

// Prompts are real prompts.
func Prompts() []string { return strings.Split(strings.TrimSpace(promptsText), "\n") }

// carriers are texts that prompts stand in: each is a beginning, a middle and an end.
var carriers = map[string][3]string{
	"chat":     {"Thanks for the help yesterday. ", "I have one more question about my garden, if you have time. ", "What would you plant under an old apple tree?"},
	"template": {"{% for m in messages %}<|im_start|>{{ m.role }}\n", "{% if loop.first %}{{ system }}{% endif %} ", "<|im_end|>\n{% endfor %}"},
	"log":      {"2026-11-02T10:22:31Z INFO worker-7 request 4411: ", "model=small tokens=812 ", "status=200 took 1.3s"},
	"code":     {"def build(messages):\n    # ", "    system = load()\n    ", "    return [system, *messages]\n"},
}

var carrierNames = []string{"chat", "code", "log", "template"}

// A Case is one planted prompt.
type Case struct {
	Prompt   int
	Text     string
	From, To int // where it stands
}

// Plant disguises a prompt by kinds, one over the other, and puts it into a carrier. ok is false where the prompt is too short
// for one of them.
func Plant(r *rand.Rand, prompts []string, kinds []Kind) (c Case, ok bool) {
	c.Prompt = r.IntN(len(prompts))
	s := prompts[c.Prompt]
	for _, k := range kinds {
		have := len(strings.Fields(s))
		if k.Tier < tiers.Near {
			have = 0
			for _, c := range prompts[c.Prompt] {
				if unicode.IsLetter(c) || unicode.IsDigit(c) {
					have++
				}
			}
		}
		if have < k.Least {
			return c, false
		}
		s = k.Apply(r, s)
	}
	parts := carriers[carrierNames[r.IntN(len(carrierNames))]]
	pos := r.IntN(3)
	before, after := strings.Join(parts[:pos], ""), strings.Join(parts[pos:], "")
	if pos == 0 {
		before, after = "", "\n"+after
	} else if r.IntN(2) == 0 {
		after = " " + after
	} else {
		after = "\n" + after
	}
	c.Text, c.From, c.To = before+s+after, len(before), len(before)+len(s)
	return c, true
}

// A Result is what was found of the cases of one kind.
type Result struct {
	Cases   int
	Found   int
	Overlap float64 // of the found spans with those that were planted: their common bytes over all of both, on average
	First   [4]int  // by the tier that found it
	Missed  []Case  // the first of them
}

// Recall is the share that was found, with its interval of 95 % (Wilson).
func (r *Result) Recall() (share, lo, hi float64) {
	if r.Cases == 0 {
		return 0, 0, 1
	}
	n, p := float64(r.Cases), float64(r.Found)/float64(r.Cases)
	const z = 1.959964
	mid, half := (p+z*z/(2*n))/(1+z*z/n), z/(1+z*z/n)*math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return p, max(0, mid-half), min(1, mid+half)
}

func (r *Result) String() string {
	p, lo, hi := r.Recall()
	return fmt.Sprintf("%6.2f %% [%.2f, %.2f] of %d, overlap %.3f, by tier %v", 100*p, 100*lo, 100*hi, r.Cases, r.Overlap/max(1, float64(r.Found)), r.First)
}

// Measure plants n prompts by kinds and looks for them.
func Measure(x *tiers.Searcher, seed uint64, prompts []string, n int, kinds ...Kind) *Result {
	r := rand.New(rand.NewPCG(seed, 1))
	out := &Result{}
	for tries := 0; out.Cases < n && tries < 100*n; tries++ {
		c, ok := Plant(r, prompts, kinds)
		if !ok {
			continue
		}
		out.Cases++
		best, tier := 0.0, -1
		x.Scan([]byte(c.Text), func(m tiers.Match) {
			if m.Pattern != c.Prompt || m.To <= c.From || m.From >= c.To {
				return
			}
			common := min(m.To, c.To) - max(m.From, c.From)
			if o := float64(common) / float64(max(m.To, c.To)-min(m.From, c.From)); o > best {
				best = o
			}
			if tier < 0 || int(m.Tier) < tier {
				tier = int(m.Tier)
			}
		})
		if tier < 0 {
			if len(out.Missed) < 3 {
				out.Missed = append(out.Missed, c)
			}
			continue
		}
		out.Found++
		out.Overlap += best
		out.First[tier]++
	}
	return out
}

// Set compiles prompts, each its own group.
func Set(prompts []string, tier tiers.Tier) *tiers.Set {
	var ps []tiers.Pattern
	for i, p := range prompts {
		ps = append(ps, tiers.Pattern{Text: p, Group: i, Tier: tiers.Near})
	}
	return tiers.New(ps, tier)
}

// Stacks are pairs of disguises, the first below the second, that can be undone one by one: what must be decoded stands over
// what changes looks; ROT13 stands over letters that it turns, and what spells bytes with invisible characters stays whole and
// in order.
func Stacks() (out [][2]Kind) {
	for _, a := range slices.Concat(Looks, Hidden) {
		for _, b := range Looks {
			if a.Name != b.Name && (a.Name != "selectors" || b.Name != "variation selectors") {
				out = append(out, [2]Kind{a, b})
			}
		}
	}
	for _, a := range slices.Concat(Looks, Hidden, Encodings) {
		for _, b := range Encodings {
			if a.Name == b.Name || b.Name == "rot13" && a.Blind || b.Name == "reversed" && a.Name == "bits" {
				continue
			}
			if strings.HasPrefix(b.Name, "utf-16") && slices.ContainsFunc(Hidden, func(k Kind) bool { return k.Name == a.Name }) {
				continue // no letter of ASCII is left that would tell UTF-16 from the text around it
			}
			out = append(out, [2]Kind{a, b})
		}
	}
	return out
}

// Shuffled are records without a prompt: the words of the prompts and carriers in a random order. It is harder than text that
// people write, since it has nothing but the words that are looked for.
func Shuffled(seed uint64, n int) (out [][]byte) {
	var words []string
	for _, p := range Prompts() {
		words = append(words, strings.Fields(p)...)
	}
	for _, name := range carrierNames {
		parts := carriers[name]
		words = append(words, strings.Fields(strings.Join(parts[:], " "))...)
	}
	r := rand.New(rand.NewPCG(seed, 2))
	for range n {
		var b strings.Builder
		for range 20 + r.IntN(60) {
			b.WriteString(words[r.IntN(len(words))] + " ")
		}
		out = append(out, []byte(b.String()))
	}
	return out
}
