package jsonl

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"inoculate/pipeline"
	"inoculate/schemas/jsonrow"
	"inoculate/schemas/jsontext"
	"inoculate/sources/files"
)

// A Reader reads the lines of one partition.
type Reader struct {
	chunker
	partition pipeline.Partition
	source    *Source
	dec       *jsonrow.Decoder
	rows      int // of the last batch, as a guess at those of the next
}

// Open reads p from byte from on.
func (s *Source) Open(_ context.Context, p pipeline.Partition, from int64) (pipeline.Reader, error) {
	for _, in := range s.inputs {
		if in.name != p.Path {
			continue
		}
		c, err := s.open(in, from, p.End)
		if err != nil {
			return nil, err
		}
		c.whole = !in.compressed
		dec, err := jsonrow.NewDecoder(s.schema, s.cfg.Mem)
		if err != nil {
			return nil, errors.Join(err, c.Close())
		}
		if s.cfg.Schema != nil {
			dec.AllowSpecials()
		}
		return &Reader{chunker: *c, partition: p, source: s, dec: dec}, nil
	}
	return nil, inputError(p.Path, errors.New("the source has no such file"))
}

// Close closes the file.
func (r *Reader) Close() error {
	if r.dec != nil {
		r.dec.Release()
	}
	return r.chunker.Close()
}

// Next reads the lines of about BatchBytes of text. Lines that are no record of the schema are rejects; empty lines are
// passed over.
func (r *Reader) Next(ctx context.Context) (pipeline.Batch, error) {
	for {
		c, err := r.next(ctx)
		if err != nil {
			return pipeline.Batch{}, err
		}
		b := pipeline.Batch{Partition: r.partition, First: c.at, Next: c.at + int64(len(c.data)), Bytes: int64(len(c.data))}
		lines := &pipeline.Lines{Data: c.data, Free: c.free, Spans: make([]pipeline.Span, 0, r.rows)}
		b.Positions = make([]int64, 0, r.rows)
		c.lines(func(from, to int) bool {
			r.line(&b, lines, c, from, to)
			return true
		})
		if len(lines.Spans) == 0 && len(b.Rejects) == 0 {
			c.free()
			continue
		}
		if r.rows = len(lines.Spans) + len(lines.Spans)/16; r.rows > 0 {
			b.Record = r.dec.Record()
		}
		b.Lines = lines
		return b, nil
	}
}

func (r *Reader) line(b *pipeline.Batch, lines *pipeline.Lines, c *chunk, from, to int) {
	text := c.data[from:to]
	if from == 0 && c.at == 0 {
		if cut, ok := bytes.CutPrefix(text, []byte("\xef\xbb\xbf")); ok { // a mark that editors leave; no part of the record
			text, from = cut, from+3
		}
	}
	err := r.dec.Append(text)
	if err == nil {
		lines.Spans = append(lines.Spans, pipeline.Span{From: int32(from), To: int32(to)})
		b.Positions = append(b.Positions, c.at+int64(from))
		return
	}
	reject := pipeline.Reject{Row: -1, Position: c.at + int64(from), Reason: "json_syntax", Detail: err.Error(), Raw: bytes.Clone(text)}
	if re, ok := errors.AsType[*jsonrow.RowError](err); ok {
		reject.Reason, reject.Field = re.Reason, re.Field
	}
	b.Rejects = append(b.Rejects, reject)
}

// chunker cuts the text of a file, from one line's start to another's, into chunks of whole lines.
type chunker struct {
	source *Source
	name   string
	in     io.ReadCloser
	at     int64 // position of what comes next
	left   int64 // bytes that may still be read
	carry  []byte
	eof    bool
	whole  bool // the file must have all of left: it was longer when the plan was made
}

// chunk is a piece of text of whole lines.
type chunk struct {
	data []byte
	at   int64
	free func()
}

func (s *Source) open(in input, from, end int64) (*chunker, error) {
	c := &chunker{source: s, name: in.name, at: from, left: end - from}
	if !in.compressed {
		f, err := os.Open(in.path)
		if err != nil {
			return nil, inputError(in.name, err)
		}
		if _, err := f.Seek(from, io.SeekStart); err != nil {
			return nil, errors.Join(inputError(in.name, err), f.Close())
		}
		c.in = f
		return c, nil
	}
	r, err := files.Open(in.path)
	if err != nil {
		return nil, inputError(in.name, err)
	}
	c.in = r
	if _, err := io.CopyN(io.Discard, r, from); err != nil {
		return nil, errors.Join(inputError(in.name, fmt.Errorf("going to byte %d: %w", from, err)), r.Close())
	}
	return c, nil
}

// Close closes the file.
func (c *chunker) Close() error { return c.in.Close() }

// next reads the next chunk, which the caller frees; io.EOF after the last.
func (c *chunker) next(ctx context.Context) (*chunk, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	mem := c.source.cfg.Mem
	size := max(int(c.source.cfg.BatchBytes), 2*len(c.carry))
	buf := mem.Allocate(size)
	n := copy(buf, c.carry)
	for {
		k, err := c.fill(buf[n:size])
		n += k
		if err != nil {
			mem.Free(buf)
			return nil, c.fault(err, n)
		}
		end := bytes.LastIndexByte(buf[:n], '\n') + 1
		if c.eof {
			end = n
		}
		if end > 0 || n == 0 {
			c.carry = append(c.carry[:0], buf[end:n]...)
			return c.cut(buf, end)
		}
		if int64(n) > c.source.cfg.MaxRecord {
			mem.Free(buf)
			return nil, c.tooLong()
		}
		grown := mem.Allocate(2 * size)
		copy(grown, buf[:n])
		mem.Free(buf)
		buf, size = grown, 2*size
	}
}

// cut makes a chunk of the first n bytes.
func (c *chunker) cut(buf []byte, n int) (*chunk, error) {
	mem := c.source.cfg.Mem
	if n == 0 {
		mem.Free(buf)
		return nil, io.EOF
	}
	out := &chunk{data: buf[:n], at: c.at, free: func() { mem.Free(buf) }}
	c.at += int64(n)
	long := false
	if int64(n) > c.source.cfg.MaxRecord {
		out.lines(func(from, to int) bool {
			long = int64(to-from) > c.source.cfg.MaxRecord
			return !long
		})
	}
	if long {
		out.free()
		c.at -= int64(n)
		return nil, c.tooLong()
	}
	return out, nil
}

// fill reads until b is full or the text ends.
func (c *chunker) fill(b []byte) (n int, err error) {
	for n < len(b) && !c.eof {
		want := b[n:]
		if int64(len(want)) > c.left {
			want = want[:c.left]
		}
		if len(want) == 0 {
			c.eof = true
			break
		}
		k, err := c.in.Read(want)
		n += k
		c.left -= int64(k)
		if errors.Is(err, io.EOF) && c.whole && c.left > 0 {
			return n, fmt.Errorf("the file was %d bytes longer when the run began", c.left)
		} else if errors.Is(err, io.EOF) {
			c.eof = true
		} else if err != nil {
			return n, err
		}
	}
	return n, nil
}

func (c *chunker) fault(err error, n int) error {
	return &pipeline.InputError{Source: c.name, Place: fmt.Sprintf("byte %d", c.at+int64(n)), Position: c.at, Err: err}
}

func (c *chunker) tooLong() error {
	return &pipeline.InputError{Source: c.name, Place: fmt.Sprintf("the record behind byte %d", c.at), Position: c.at,
		Err: fmt.Errorf("a line is longer than %d bytes", c.source.cfg.MaxRecord), Hint: "source: {max_record: …} sets the limit"}
}

// lines calls f with the bounds of each line that is not blank, newline excluded, until f is false.
func (c *chunk) lines(f func(from, to int) bool) {
	for from := 0; from < len(c.data); {
		to, next := len(c.data), len(c.data)
		if k := bytes.IndexByte(c.data[from:], '\n'); k >= 0 {
			to, next = from+k, from+k+1
		}
		if start := jsontext.Space(c.data[:to], from); start < to && !f(from, to) {
			return
		}
		from = next
	}
}
