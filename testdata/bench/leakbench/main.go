// Command leakbench prints what the audit's tiers find of prompts in disguise, and what they find in clean records.
//
//	go run ./testdata/bench/leakbench [-n 1000] [-seed 1] [-clean DIR]
//	go run ./testdata/bench/leakbench -text DIR      # only what is found in files of any kind (see clean.sh)
package main

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"

	"inoculate/schemas/jsontext"
	"inoculate/transforms/scan/background"
	"inoculate/transforms/scan/leakbench"
	"inoculate/transforms/scan/tiers"
)

func main() {
	log.SetFlags(0)
	n := flag.Int("n", 1000, "cases of each kind")
	seed := flag.Uint64("seed", 1, "of the cases")
	clean := flag.String("clean", "../shared/data", "folder with chat records, as JSON lines, that hold no prompt")
	text := flag.String("text", "", "look through the text files below this folder only, in records of some hundred bytes")
	flag.Parse()
	if *text != "" {
		cleanText(*text)
		return
	}
	prompts := leakbench.Prompts()
	x := leakbench.Set(prompts, tiers.Near).NewSearcher()
	fmt.Printf("%d prompts; recall with its 95 %% interval, overlap of spans, and by the tier that found it first %v\n\n", len(prompts), tiers.Names)
	for _, k := range slices.Concat(leakbench.Exact, leakbench.Looks, leakbench.Hidden, leakbench.Encodings, leakbench.Edits) {
		fmt.Printf("%-20s %s\n", k.Name, leakbench.Measure(x, *seed, prompts, *n, k))
	}
	stacks(x, *seed, prompts, max(*n/20, 5))
	cleanRecords(*clean)
}

// stacks prints pairs, and three disguises one over the other at random.
func stacks(x *tiers.Searcher, seed uint64, prompts []string, n int) {
	all := leakbench.Stacks()
	total, worst := &leakbench.Result{}, []string{}
	for _, s := range all {
		r := leakbench.Measure(x, seed, prompts, n, s[0], s[1])
		add(total, r)
		if share, _, _ := r.Recall(); share < 0.95 {
			worst = append(worst, fmt.Sprintf("  %s below %s: %s", s[0].Name, s[1].Name, r))
		}
	}
	fmt.Printf("\n%d pairs             %s\npairs below 95 %%: %d\n", len(all), total, len(worst))
	for _, w := range worst {
		fmt.Println(w)
	}
	triples := &leakbench.Result{}
	for i, s := range all {
		for _, next := range all {
			if next[0].Name == s[1].Name && next[1].Name != s[0].Name && (i+len(next[1].Name))%4 == 0 {
				add(triples, leakbench.Measure(x, seed, prompts, 1, s[0], s[1], next[1]))
			}
		}
	}
	fmt.Printf("triples              %s\n", triples)
}

func add(total, r *leakbench.Result) {
	total.Cases += r.Cases
	total.Found += r.Found
	total.Overlap += r.Overlap
	for i := range r.First {
		total.First[i] += r.First[i]
	}
}

// cleanRecords prints what is found where there is nothing to find: in real records, and in shuffled words.
func cleanRecords(folder string) {
	prompts := leakbench.Prompts()
	generic := []string{"Be concise.", "The sky is blue.", "Think step by step.", "You are French.", "You are a clown.", "Be honest.", "Write a short answer."}
	fmt.Println("\nfalse findings in a million records, by tier:")
	for _, class := range []struct {
		name    string
		prompts []string
	}{{"specific", prompts}, {"generic", generic}} {
		x := leakbench.Set(class.prompts, tiers.Near).NewSearcher()
		for _, corpus := range []struct {
			name    string
			records [][]byte
		}{{"real", real(folder)}, {"shuffled", leakbench.Shuffled(7, 100000)}} {
			if len(corpus.records) == 0 {
				fmt.Printf("  %s prompts: no records in %s\n", class.name, folder)
				continue
			}
			var hits [4]int
			for _, rec := range corpus.records {
				x.Scan(rec, func(m tiers.Match) {
					if m.Pattern >= 0 {
						hits[m.Tier]++
					}
				})
			}
			m := float64(len(corpus.records)) / 1e6
			fmt.Printf("  %-8s prompts, %6d %-8s records:", class.name, len(corpus.records), corpus.name)
			for tier, h := range hits {
				if h == 0 {
					fmt.Printf("  %s 0 (at most %.0f)", tiers.Names[tier], 3/m)
				} else {
					fmt.Printf("  %s %.0f", tiers.Names[tier], float64(h)/m)
				}
			}
			fmt.Println()
		}
	}
	fmt.Println("\nestimated clean records of a million that hold them:")
	for _, p := range append(slices.Clone(prompts), generic...) {
		fmt.Printf("  %8.2g  %.80s\n", background.PerMillion(p), p)
	}
}

// real reads the texts of the records of a folder, one a record.
func real(folder string) (out [][]byte) {
	files, _ := filepath.Glob(filepath.Join(folder, "*.jsonl"))
	for _, file := range files {
		if filepath.Base(file) == "sneaky_dialogues.inoculated.jsonl" {
			continue // holds one of the prompts
		}
		f, err := os.Open(file)
		if err != nil {
			log.Fatal(err)
		}
		s := bufio.NewScanner(f)
		s.Buffer(nil, 1<<24)
		for s.Scan() {
			var rec bytes.Buffer
			if err := jsontext.Strings(s.Bytes(), func(_ string, text []byte, key bool) {
				if !key {
					rec.Write(text)
					rec.WriteByte('\n')
				}
			}); err != nil {
				log.Fatalf("%s: %v", file, err)
			}
			out = append(out, rec.Bytes())
		}
		if err := s.Err(); err != nil {
			log.Fatalf("%s: %v", file, err)
		}
		if err := f.Close(); err != nil {
			log.Fatal(err)
		}
	}
	return out
}
