//go:build ignore

// Command gen writes confusables.txt: characters that look like a Latin letter, and that letter in lower case.
//
// It takes Unicode's data as two packages carry it: confusables.json of confusable-homoglyphs 3.3.1 (PyPI; the pairs of
// UTS #39) and UnicodeData.txt of unicode-data (Debian; names of characters).
//
//	go run gen.go confusables.json UnicodeData.txt > confusables.txt
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// named are the names of characters that are a Latin letter with something to it; the group is the letter.
var named = []*regexp.Regexp{
	regexp.MustCompile(`^LATIN (?:SMALL|CAPITAL) LETTER ([A-Z]) WITH `),
	regexp.MustCompile(`^LATIN (?:SMALL|CAPITAL) LETTER (?:DOTLESS|SCRIPT|BARRED|LONG|CLOSED) ([A-Z])(?: |$)`),
	regexp.MustCompile(`^LATIN LETTER SMALL CAPITAL ([A-Z])$`),
	regexp.MustCompile(`^REGIONAL INDICATOR SYMBOL LETTER ([A-Z])$`),
	regexp.MustCompile(`^(?:NEGATIVE CIRCLED|NEGATIVE SQUARED|CROSSED NEGATIVE SQUARED) LATIN CAPITAL LETTER ([A-Z])$`),
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 3 {
		log.Fatal("usage: gen confusables.json UnicodeData.txt")
	}
	out := map[rune]byte{}
	names(os.Args[2], out)
	pairs(os.Args[1], out)
	for _, r := range slices.Sorted(maps.Keys(out)) {
		fmt.Printf("%04X %c\n", r, out[r])
	}
}

func names(file string, out map[rune]byte) {
	f, err := os.Open(file)
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		fields := strings.Split(s.Text(), ";")
		code, err := strconv.ParseUint(fields[0], 16, 32)
		if err != nil {
			log.Fatal(err)
		}
		for _, re := range named {
			if m := re.FindStringSubmatch(fields[1]); m != nil && code >= 0x80 {
				out[rune(code)] = m[1][0] | 0x20
			}
		}
	}
}

// pairs adds the letters that UTS #39 takes for a Latin one. I, l, 1 and | are one there: a capital is an i here.
func pairs(file string, out map[rune]byte) {
	data, err := os.ReadFile(file)
	if err != nil {
		log.Fatal(err)
	}
	var all map[string][]struct{ C, N string }
	if err := json.Unmarshal(data, &all); err != nil {
		log.Fatal(err)
	}
	for _, latin := range "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNOPQRSTUVWXYZIl" {
		for _, other := range all[string(latin)] {
			rs := []rune(other.C)
			if len(rs) != 1 || rs[0] < 0x80 || !unicode.In(rs[0], unicode.L, unicode.Nl) {
				continue
			}
			r, to := rs[0], byte(unicode.ToLower(latin))
			if latin == 'l' && (unicode.IsUpper(r) || strings.Contains(other.N, "CAPITAL")) {
				to = 'i'
			}
			if _, ok := out[r]; !ok {
				out[r] = to
			}
		}
	}
}
