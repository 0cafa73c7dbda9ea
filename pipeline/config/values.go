package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Size is a number of bytes, written as 4096, 64MiB, 1.5GB.
type Size int64

var units = []struct {
	name string
	size float64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}, {"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1},
}

func (s *Size) fromNode(n *yaml.Node) string {
	const want = "it takes a size: 4096, 64MiB, 1GB"
	if n.Kind != yaml.ScalarNode {
		return want
	}
	v, err := ParseSize(n.Value)
	if err != nil {
		return want
	}
	*s = v
	return ""
}

// ParseSize reads a size.
func ParseSize(text string) (Size, error) {
	num, unit := strings.TrimSpace(text), 1.0
	for _, u := range units {
		if rest, ok := strings.CutSuffix(num, u.name); ok {
			num, unit = strings.TrimSpace(rest), u.size
			break
		}
	}
	f, err := strconv.ParseFloat(num, 64)
	if err != nil || f < 0 || f*unit > math.MaxInt64/2 || math.IsNaN(f) {
		return 0, fmt.Errorf("%q is no size: write 4096, 64MiB, 1GB", text)
	}
	return Size(f * unit), nil
}

// Allowance is how many rejects are fine: a number, or a share of the records written as 0.1%.
type Allowance struct {
	Unset bool
	Count int64
	Share float64 // of all records; used when it is not 0
}

func (a *Allowance) fromNode(n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode || a.Parse(n.Value) != nil {
		return errAllowance.Error()
	}
	return ""
}

var errAllowance = errors.New("it takes a number of records, or a share: 0.1%")

// Parse reads an allowance.
func (a *Allowance) Parse(value string) error {
	if text, ok := strings.CutSuffix(value, "%"); ok {
		f, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil || !(f >= 0 && f <= 100) {
			return errAllowance
		}
		*a = Allowance{Share: f / 100}
		return nil
	}
	c, err := strconv.ParseInt(value, 10, 64)
	if err != nil || c < 0 {
		return errAllowance
	}
	*a = Allowance{Count: c}
	return nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (a *Allowance) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*a = Allowance{Unset: true}
		return nil
	}
	return a.Parse(strings.Trim(string(b), `"`))
}

// Fine says whether so many rejects of so many records are allowed.
func (a Allowance) Fine(rejects, records int64) bool {
	if a.Share > 0 {
		return float64(rejects) <= a.Share*float64(records)
	}
	return rejects <= a.Count
}

// MarshalJSON writes it as it is read.
func (a Allowance) MarshalJSON() ([]byte, error) {
	switch {
	case a.Unset:
		return []byte("null"), nil
	case a.Share > 0:
		return json.Marshal(strconv.FormatFloat(a.Share*100, 'f', -1, 64) + "%")
	}
	return json.Marshal(a.Count)
}

// nearest is the known word that a wrong one was most likely meant to be, or "".
func nearest(word string, known []string) string {
	best, at := "", 3
	for _, k := range known {
		if d := distance(strings.ToLower(word), k); d < at && d < len(k) {
			best, at = k, d
		}
	}
	return best
}

// distance is the number of letters to put in, take out or change.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		prev := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := prev
			if a[i] != b[j] {
				cost++
			}
			prev = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
