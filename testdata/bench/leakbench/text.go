package main

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"io/fs"
	"log"
	"math"
	"os"
	"path/filepath"
	"strings"

	"inoculate/transforms/scan/leakbench"
	"inoculate/transforms/scan/tiers"
)

// recordBytes is the least size of a record that is cut out of a text: whole lines.
const recordBytes = 350

// cleanText prints what is found in the files below a folder, cut into records; a record that came before is passed over, as
// are files with zero bytes.
func cleanText(folder string) {
	prompts := leakbench.Prompts()
	x := leakbench.Set(prompts, tiers.Near).NewSearcher()
	seed, seen := maphash.MakeSeed(), map[uint64]struct{}{}
	var records, size, files int64
	hits := [4]int64{}
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if bytes.IndexByte(data, 0) >= 0 {
			return nil
		}
		files++
		for len(data) > 0 {
			end := min(recordBytes, len(data))
			if k := bytes.IndexByte(data[end:], '\n'); k >= 0 && k < 8*recordBytes {
				end += k + 1
			} else {
				end = min(len(data), end+8*recordBytes)
			}
			rec := data[:end]
			data = data[end:]
			sum := maphash.Bytes(seed, rec)
			if _, ok := seen[sum]; ok {
				continue
			}
			seen[sum] = struct{}{}
			records, size = records+1, size+int64(len(rec))
			if !x.May(rec) {
				continue
			}
			x.Scan(rec, func(m tiers.Match) {
				if m.Pattern >= 0 {
					hits[m.Tier]++
					fmt.Printf("  %s %s: %q in %s\n", m.Tier, m.Via, rec[m.From:m.To], strings.TrimPrefix(path, folder))
				}
			})
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d prompts, %d records of %d files, %d MB, none twice\n", len(prompts), records, files, size/1e6)
	for tier, h := range hits {
		hi := bound(h)
		fmt.Printf("  %-10s %d found, at most %.2f in a million (95 %%)\n", tiers.Names[tier], h, hi/float64(records)*1e6)
	}
}

// bound is the one-sided 95 % bound of a mean (Poisson) of which n were seen: the largest that shows n or fewer in one of
// twenty times.
func bound(n int64) float64 {
	lo, hi := float64(n), float64(3*n+10)
	for range 60 {
		mid := (lo + hi) / 2
		if tail(n, mid) > 0.05 {
			lo = mid
		} else {
			hi = mid
		}
	}
	return hi
}

// tail is the chance of n or fewer where the mean is m.
func tail(n int64, m float64) float64 {
	p := math.Exp(-m)
	sum := p
	for k := int64(1); k <= n; k++ {
		p *= m / float64(k)
		sum += p
	}
	return sum
}
