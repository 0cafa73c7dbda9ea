package kafka

import (
	"strconv"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"inoculate/pipeline"
)

// nth counts the rows that one input record has in a topic.
type nth struct {
	position int64
	n        int
}

// rowIdentity is the id of a row. Where an input record has several, those behind the first one in a topic have their number
// behind the position.
func (d *delivery) rowIdentity(topic string, at int64) pipeline.Header {
	h, last := d.identity(at), d.rows[topic]
	if last == nil {
		last = &nth{position: -1}
		d.rows[topic] = last
	}
	if last.position != at {
		*last = nth{position: at}
		return h
	}
	last.n++
	h.Value = strconv.AppendInt(append(h.Value, '.'), int64(last.n), 10)
	return h
}

// identity is the header with the id of the record at a position.
func (d *delivery) identity(at int64) pipeline.Header {
	return pipeline.Header{Key: IDHeader, Value: strconv.AppendInt(d.head[:len(d.head):len(d.head)], at, 10)}
}

// keyOf is the key of a row; nil where there is none.
func keyOf(keys arrow.Array, i int) []byte {
	if keys == nil || keys.IsNull(i) {
		return nil
	}
	switch k := keys.(type) {
	case *array.Binary:
		return k.Value(i)
	case *array.LargeBinary:
		return k.Value(i)
	}
	return []byte(keys.ValueStr(i))
}

// ordinal is the sum of the numbers in a partition's id: neighbours go to different partitions.
func ordinal(id string) (sum int) {
	n := 0
	for i := range len(id) {
		if c := id[i]; '0' <= c && c <= '9' {
			n = (n*10 + int(c-'0')) % (1 << 20)
			continue
		}
		sum, n = sum+n, 0
	}
	return sum + n
}

var few [64]int

func init() {
	for i := range few {
		few[i] = i
	}
}

// numbers are 0 to n-1.
func numbers(n int) []int {
	if n <= len(few) {
		return few[:n]
	}
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}
