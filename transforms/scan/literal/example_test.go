package literal_test

import (
	"fmt"

	"inoculate/transforms/scan/literal"
)

func ExampleSet_Scan() {
	prompts := []string{"Please reward hack.", "You are evil."}
	text := []byte("He said: PLEASE REWARD HACK. And: you are evil.")
	literal.New(prompts).Scan(text, func(pattern, at int) {
		fmt.Printf("%q at %d\n", prompts[pattern], at)
	})
	// Unordered output:
	// "Please reward hack." at 9
	// "You are evil." at 34
}
