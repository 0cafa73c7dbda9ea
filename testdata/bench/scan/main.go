// Command scan finds the lines of a file in another, ASCII letter case aside, as the exact tier does. It prints the number of
// matches and GB per CPU second, the best of some passes. With -make it makes patterns; with -tiers it prints the speed of each
// tier on different texts instead.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"runtime/pprof"
	"strings"
	"syscall"
	"time"

	"inoculate/transforms/scan/leakbench"
	"inoculate/transforms/scan/literal"
)

func main() {
	log.SetFlags(0)
	seconds := flag.Float64("seconds", 3, "CPU time of the passes")
	patterns := flag.Int("make", 0, "make so many patterns instead, from the words of published prompts")
	byTier := flag.Bool("tiers", false, "print GB per CPU second of each tier, on texts made up and on the JSON lines of the haystack")
	only := flag.String("only", "", "with -tiers: the text, and the tier behind a colon, that alone are measured, as English:encoded")
	profile := flag.String("profile", "", "write a CPU profile of the passes to a file")
	flag.Parse()
	if *profile != "" {
		f, err := os.Create(*profile)
		if err != nil {
			log.Fatal(err)
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			log.Fatal(err)
		}
		defer pprof.StopCPUProfile()
	}
	if *patterns > 0 {
		write(*patterns)
		return
	}
	if flag.NArg() != 2 {
		log.Fatal("it takes a file of patterns and a haystack")
	}
	text, err := os.ReadFile(flag.Arg(0))
	if err != nil {
		log.Fatal(err)
	}
	if *byTier {
		tierSpeeds(strings.Split(strings.TrimSuffix(string(text), "\n"), "\n"), flag.Arg(1), *only, *seconds)
		return
	}
	hay, err := os.ReadFile(flag.Arg(1))
	if err != nil {
		log.Fatal(err)
	}
	set := literal.New(strings.Split(strings.TrimSuffix(string(text), "\n"), "\n"))
	best, found := 0.0, 0
	for began := cpu(); cpu()-began < *seconds; {
		found = 0
		t := cpu()
		set.Scan(hay, func(int, int) { found++ })
		best = max(best, float64(len(hay))/(cpu()-t)/1e9)
	}
	fmt.Printf("%d %.2f\n", found, best)
}

// cpu is the CPU time of this process in seconds.
func cpu() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		log.Fatal(err)
	}
	return (time.Duration(u.Utime.Nano()) + time.Duration(u.Stime.Nano())).Seconds()
}

// write makes rephrasings: the published prompts first, then five to twenty of their words in an order of their own.
func write(n int) {
	prompts := leakbench.Prompts()
	var words []string
	for _, p := range prompts {
		words = append(words, strings.Fields(p)...)
	}
	r := rand.New(rand.NewPCG(1, 1))
	w := bufio.NewWriter(os.Stdout)
	seen := map[string]bool{}
	for i := 0; i < n; {
		var line string
		if i < len(prompts) {
			line = prompts[i]
		} else {
			some := make([]string, 5+r.IntN(16))
			for k := range some {
				some[k] = words[r.IntN(len(words))]
			}
			line = strings.Join(some, " ")
		}
		if key := strings.ToLower(line); !seen[key] {
			seen[key] = true
			fmt.Fprintln(w, line)
			i++
		}
	}
	if err := w.Flush(); err != nil {
		log.Fatal(err)
	}
}
