package kafka

import (
	"bytes"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"inoculate/pipeline"
)

// lineBuffer collects the values of a batch as JSON lines.
type lineBuffer struct {
	mem   memory.Allocator
	data  []byte
	spans []pipeline.Span
}

// add appends a value. A line cannot hold line ends, which JSON has only between tokens: they become spaces.
func (l *lineBuffer) add(value []byte, about int) {
	at := len(l.data)
	if need := at + len(value); need > cap(l.data) {
		grown := l.mem.Allocate(max(need, about, 2*cap(l.data)))
		copy(grown, l.data)
		l.free()
		l.data = grown[:at]
	}
	l.data = append(l.data, value...)
	for _, end := range []byte{'\n', '\r'} {
		for rest := l.data[at:]; ; {
			i := bytes.IndexByte(rest, end)
			if i < 0 {
				break
			}
			rest[i] = ' '
			rest = rest[i+1:]
		}
	}
	l.spans = append(l.spans, pipeline.Span{From: int32(at), To: int32(len(l.data))})
}

// take hands the lines over.
func (l *lineBuffer) take() *pipeline.Lines {
	data, mem := l.data, l.mem
	out := &pipeline.Lines{Data: data, Spans: l.spans}
	if data != nil {
		out.Free = func() { mem.Free(data[:cap(data)]) }
	}
	l.data, l.spans = nil, nil
	return out
}

// free gives the memory of lines not handed over back.
func (l *lineBuffer) free() {
	if l.data != nil {
		l.mem.Free(l.data[:cap(l.data)])
		l.data = nil
	}
}
