package main

import (
	"bufio"
	"bytes"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"strings"

	"inoculate/schemas/jsontext"
	"inoculate/transforms/scan/background"
	"inoculate/transforms/scan/tiers"
)

// textBytes is the size of each text that is searched, in records of some hundred bytes.
const textBytes = 256 << 20

var sentences = map[string][]string{
	"Russian": {
		"Конечно, вот один из способов: сначала отсортируйте список, затем пройдите по нему один раз.",
		"Я думаю, что второй вариант подходит лучше, потому что в вашем саду мало солнца после обеда.",
		"Не могли бы вы объяснить, как работает эта функция и почему она возвращает неверное значение?",
		"Спасибо большое! Это именно то, что мне было нужно для отчёта о возобновляемой энергии.",
	},
	"Greek": {
		"Βεβαίως, ένας τρόπος είναι ο εξής: πρώτα ταξινομείτε τη λίστα και ύστερα τη διατρέχετε μία φορά.",
		"Νομίζω ότι η δεύτερη επιλογή ταιριάζει καλύτερα, γιατί ο κήπος σας έχει λίγο ήλιο το απόγευμα.",
		"Θα μπορούσατε να εξηγήσετε πώς λειτουργεί η συνάρτηση και γιατί επιστρέφει λάθος τιμή;",
		"Ευχαριστώ πολύ! Αυτό ακριβώς χρειαζόμουν για την εργασία μου.",
	},
}

// records makes records: of sentences, of words as they follow one another in English chats, or what the strings of JSON lines say.
// They stand one behind the other, as they do in a column of Arrow, or in a block of lines.
func records(kind, file string) (out [][]byte) {
	r := rand.New(rand.NewPCG(1, 2))
	all := make([]byte, 0, textBytes+1<<20)
	add := func(b []byte) bool {
		from := len(all)
		all = append(all, b...)
		out = append(out, all[from:len(all):len(all)])
		return len(all) < textBytes
	}
	switch {
	case kind == "English":
		for sample := background.Sample(); ; {
			at := r.IntN(len(sample) - 600)
			if !add(sample[at : at+600]) {
				return out
			}
		}
	case sentences[kind] != nil:
		for {
			var b strings.Builder
			for b.Len() < 900 {
				b.WriteString(sentences[kind][r.IntN(len(sentences[kind]))] + " ")
			}
			if !add([]byte(b.String())) {
				return out
			}
		}
	}
	f, err := os.Open(file)
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	var b []byte
	for s := bufio.NewReaderSize(f, 1<<20); ; {
		line, err := s.ReadBytes('\n')
		if err != nil {
			return out // the last line may be cut off
		}
		b = b[:0]
		if err := jsontext.Strings(bytes.TrimSpace(line), func(_ string, text []byte, key bool) { b = append(append(b, text...), '\n') }); err != nil {
			continue
		}
		if !add(b) {
			return out
		}
	}
}

// tierSpeeds prints GB per CPU second of the whole search, by text and tier: the fast look, and the search of what it lets pass. Only
// leaves one text, or one tier of it.
func tierSpeeds(patterns []string, file, only string, seconds float64) {
	list := make([]tiers.Pattern, len(patterns))
	for i, p := range patterns {
		list[i] = tiers.Pattern{Text: p, Group: i % 48, Tier: tiers.Near}
	}
	onlyText, onlyTier, _ := strings.Cut(only, ":")
	for _, kind := range []string{"English", "records", "Russian", "Greek"} {
		if onlyText != "" && kind != onlyText {
			continue
		}
		texts := records(kind, file)
		size := 0
		for _, t := range texts {
			size += len(t)
		}
		fmt.Printf("%9d %10s", len(patterns), kind)
		for tier := tiers.Exact; tier <= tiers.Encoded; tier++ {
			if onlyTier != "" && tier.String() != onlyTier {
				continue
			}
			x := tiers.New(list, tier).NewSearcher()
			best, passed, found := 0.0, 0, 0
			for began := cpu(); cpu()-began < seconds || best == 0; {
				passed, found = 0, 0
				t := cpu()
				for _, text := range texts {
					if x.May(text) {
						passed++
						x.Scan(text, func(tiers.Match) { found++ })
					}
				}
				best = max(best, float64(size)/(cpu()-t)/1e9)
			}
			fmt.Printf("  %-10s %5.2f (%4.1f %%)", tier, best, 100*float64(passed)/float64(len(texts)))
		}
		fmt.Println()
	}
}
