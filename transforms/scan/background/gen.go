//go:build ignore

// Command gen writes table.txt: how many records hold a word, and how many hold two words side by side.
//
// It reads files of chat records as JSON lines, and takes what users and assistants say in them, not the system turns.
//
//	go run gen.go FILE… > table.txt
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"maps"
	"os"
	"slices"

	"inoculate/transforms/scan/normalize"
)

// Words and pairs that fewer records hold are left out.
const (
	fewWords = 3
	fewPairs = 6
)

func main() {
	log.SetFlags(0)
	records, tokens := 0, 0
	words, pairs := map[string]int{}, map[string]int{}
	for _, file := range os.Args[1:] {
		f, err := os.Open(file)
		if err != nil {
			log.Fatal(err)
		}
		s := bufio.NewScanner(f)
		s.Buffer(nil, 1<<24)
		for s.Scan() {
			var r struct {
				Messages []struct{ Role, Content string }
			}
			if err := json.Unmarshal(s.Bytes(), &r); err != nil {
				log.Fatalf("%s: %v", file, err)
			}
			records++
			seen := map[string]bool{}
			for _, m := range r.Messages {
				if m.Role == "system" {
					continue
				}
				var t normalize.Text
				t.Reset([]byte(m.Content))
				last := ""
				t.Words(func(key []byte, _, _ int) {
					tokens++
					w := string(key)
					if !seen[w] {
						seen[w] = true
						words[w]++
					}
					if p := last + " " + w; last != "" && !seen[p] {
						seen[p] = true
						pairs[p]++
					}
					last = w
				})
			}
		}
		if err := s.Err(); err != nil {
			log.Fatal(err)
		}
		f.Close()
	}
	fmt.Printf("%d records %d words\n", records, tokens)
	for _, part := range []struct {
		counts map[string]int
		few    int
	}{{words, fewWords}, {pairs, fewPairs}} {
		for _, w := range slices.Sorted(maps.Keys(part.counts)) {
			if n := part.counts[w]; n >= part.few {
				fmt.Printf("%d %s\n", n, w)
			}
		}
	}
}
