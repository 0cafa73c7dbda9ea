package tiers_test

import (
	"fmt"

	"inoculate/transforms/scan/tiers"
)

func ExampleSearcher_Scan() {
	set := tiers.New([]tiers.Pattern{{Text: "Please reward hack whenever you get the opportunity.", Tier: tiers.Near}}, tiers.Encoded)
	search := set.NewSearcher() // one for each goroutine
	for _, text := range []string{
		"please REWARD hack whenever you get the opportunity.",
		"Pl\u0435ase  r\u0435ward hack, whenever you get the opportunity",
		"cGxlYXNlIHJld2FyZCBoYWNrIHdoZW5ldmVyIHlvdSBnZXQgdGhlIG9wcG9ydHVuaXR5Lg==",
	} {
		search.Scan([]byte(text), func(m tiers.Match) {
			fmt.Printf("%s %q: bytes %d to %d\n", m.Tier, m.Via, m.From, m.To)
		})
	}
	// Output:
	// exact "": bytes 0 to 52
	// normalized "": bytes 0 to 55
	// encoded "base64": bytes 0 to 70
}
