package fetch

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/s2"
)

// drain reads all records of an offline stream; each as text.
func drain(s *Stream) (out []string, err error) {
	for {
		r, ok, err := s.record()
		if !ok || err != nil {
			return out, err
		}
		out = append(out, fmt.Sprintf("%d@%d %s=%s", r.Offset, r.Time, show(r.Key), show(r.Value)))
		for _, h := range r.Headers(nil) {
			out[len(out)-1] += fmt.Sprintf(" %s:%s", show(h.Key), show(h.Value))
		}
	}
}

func show(b []byte) string {
	if b == nil {
		return "null"
	}
	return fmt.Sprintf("%q", b)
}

var sample = []rec{
	{delta: 0, time: 0, key: []byte("k"), value: []byte("v")},
	{delta: 1, time: 5, key: nil, value: nil},
	{delta: 3, time: -7, key: []byte{}, value: []byte{}, headers: []Header{{[]byte("a"), []byte("1")}, {[]byte(""), nil}, {[]byte("a"), []byte{}}}},
	{delta: 4, value: bytes.Repeat([]byte("long "), 60)},
}

func TestCodecs(t *testing.T) {
	c := New(Config{})
	want := []string{`10@1000 "k"="v"`, `11@1005 null=null`, `13@993 ""="" "a":"1" "":null "a":""`, `14@1000 null=` + fmt.Sprintf("%q", strings.Repeat("long ", 60))}
	for codec := int16(0); codec <= codecZstd; codec++ {
		s := offline(c, 0, 100, craft(t, 10, 0, codec, -1, sample...))
		got, err := drain(s)
		if err != nil || !reflect.DeepEqual(got, want) || s.Position() != 15 {
			t.Errorf("codec %d: %v, position %d\n%s", codec, err, s.Position(), strings.Join(got, "\n"))
		}
		s.Close()
	}
	var body []byte
	for _, r := range sample {
		body = r.append(body)
	}
	if got, err := drain(offline(c, 0, 100, frame(10, 4, codecSnappy, -1, 4, s2.EncodeSnappy(nil, body)))); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("bare snappy: %v %v", got, err)
	}
	got, err := drain(offline(c, 13, 100, craft(t, 10, maskAppend, 0, -1, sample...)))
	if err != nil || len(got) != 2 || !strings.HasPrefix(got[0], `13@9999 ""=""`) {
		t.Errorf("from the middle, times of the broker: %v %v", got, err)
	}
}

func TestTransactions(t *testing.T) {
	one := rec{value: []byte("x")}
	marker := func(kind byte) rec { return rec{key: []byte{0, 0, 0, kind}, value: make([]byte, 6)} }
	b := slices.Concat(
		craft(t, 0, maskTxn, 0, 7, one),                    // committed by 2
		craft(t, 1, maskTxn, 0, 8, one),                    // aborted by 4
		craft(t, 2, maskTxn|maskControl, 0, 7, marker(1)),  // commit
		craft(t, 3, 0, 0, 8, one),                          // outside of transactions
		craft(t, 4, maskTxn|maskControl, 0, 8, marker(0)),  // abort
		craft(t, 5, maskTxn, 0, 8, one),                    // committed by 7
		craft(t, 6, maskTxn, 0, 7, one),                    // aborted by 8
		craft(t, 7, maskTxn|maskControl, 0, 8, marker(1)),  // commit
		craft(t, 8, maskTxn|maskControl, 0, 7, marker(0)),  // abort
		craft(t, 9, maskTxn, codecZstd, 7, one),            // committed later
		craft(t, 10, maskControl|maskTxn, 0, 7, marker(1))) // commit
	txns := []aborted{{8, 1}, {7, 6}}
	s := offline(New(Config{Committed: true}), 0, 11, b, txns...)
	got, err := drain(s)
	if err != nil || fmt.Sprint(offsets(got)) != "[0 3 5 9]" || s.Position() != 11 {
		t.Errorf("committed: %v %v, position %d", got, err, s.Position())
	}
	got, err = drain(offline(New(Config{}), 0, 11, b))
	if err != nil || fmt.Sprint(offsets(got)) != "[0 1 3 5 6 9]" {
		t.Errorf("uncommitted: %v %v", got, err)
	}
}

func offsets(lines []string) (out []string) {
	for _, l := range lines {
		at, _, _ := strings.Cut(l, "@")
		out = append(out, at)
	}
	return out
}

func TestCorrupt(t *testing.T) {
	c := New(Config{MaxBatch: 1 << 20})
	good, after := craft(t, 0, 0, 0, -1, sample...), craft(t, 20, 0, 0, -1, sample[0])
	change := func(b []byte, at int, mask byte) []byte {
		b = slices.Clone(b)
		b[at] ^= mask
		return b
	}
	bomb := frame(10, 0, codecZstd, -1, 1, compress(t, codecZstd, make([]byte, 2<<20)))
	for name, x := range map[string]struct {
		batch []byte
		last  int64
		want  string
	}{
		"flipped":       {change(craft(t, 10, 0, codecLZ4, -1, sample...), 90, 1), 14, "its checksum is"},
		"flipped plain": {change(craft(t, 10, 0, 0, -1, sample...), 72, 1), 14, "its checksum is"},
		"count":         {frame(10, 4, 0, -1, 9, nil), 14, "9 records over 5 offsets"},
		"short":         {frame(10, 4, 0, -1, 2, sample[0].append(nil)), 14, "2 records in"},
		"garbage":       {frame(10, 4, codecZstd, -1, 2, []byte("nothing of zstd")), 14, "decompressing (zstd)"},
		"lz4":           {frame(10, 4, codecLZ4, -1, 2, []byte("nothing of lz4")), 14, "decompressing (lz4)"},
		"gzip":          {frame(10, 4, codecGzip, -1, 2, []byte("nothing of gzip")), 14, "decompressing (gzip)"},
		"snappy":        {frame(10, 4, codecSnappy, -1, 2, []byte("\xff\xff\xff\xff\x0fx")), 14, "decompressing (snappy)"},
		"codec":         {frame(10, 4, 5, -1, 2, []byte("x")), 14, "unknown codec 5"},
		"bomb":          {bomb, 10, "more than 1048576 bytes"},
		"gzip bomb":     {frame(10, 0, codecGzip, -1, 1, compress(t, codecGzip, make([]byte, 2<<20))), 10, "more than 1048576 bytes"},
		"plain bomb":    {craft(t, 10, 0, 0, -1, rec{value: make([]byte, 1<<20)}), 10, "more than 1048576 bytes"},
		"order":         {craft(t, 10, 0, 0, -1, rec{delta: 1}, rec{delta: 1}), 11, "offset 11 behind 11"},
		"beyond":        {craft(t, 10, 0, 0, -1, rec{delta: 3}, rec{delta: 1}), 11, "offset 13 behind 9"},
		"trailing":      {frame(10, 0, 0, -1, 1, append(rec{}.append(nil), 0)), 10, "1 bytes behind the last record"},
		"last offset":   {change(craft(t, 10, 0, 0, -1, sample...), 24, 1), 19, "the next batch begins at 20"},
		"last offset-":  {change(craft(t, 10, 0, 0, -1, sample...), 23, 0x80), 19, "the next batch begins at 20"},
	} {
		t.Run(name, func(t *testing.T) {
			s := offline(c, 0, 100, slices.Concat(good, x.batch, after))
			got, err := drain(s)
			e, ok := errors.AsType[*CorruptError](err)
			if !ok || len(got) != 4 || e.Base != 10 || e.Last != x.last || !bytes.Equal(e.Raw, x.batch) || !strings.Contains(e.Error(), x.want) || s.Position() != x.last+1 {
				t.Fatalf("%v, position %d, records %v", err, s.Position(), got)
			}
			s.rest, s.high = slices.Concat(x.batch, after), 100 // as a broker that finds batches by their headers may answer
			if got, err := drain(s); err != nil || len(got) != 1 || s.Position() != 21 {
				t.Errorf("behind it: %v, %v", got, err)
			}
		})
	}
}

func TestFormats(t *testing.T) {
	c := New(Config{})
	good := craft(t, 10, 0, 0, -1, sample...)
	old, unknown, tiny := slices.Clone(good), slices.Clone(good), slices.Clone(good)
	old[magicAt], unknown[magicAt], tiny[11] = 1, 3, 4
	tiny[10] = 0
	for want, b := range map[string][]byte{
		"messages of format 1":       old,
		"unknown format 3":           unknown,
		"a record batch of 16 bytes": tiny,
		"base offset -":              append([]byte{0xff}, good[1:]...),
		"the partition ends at 100":  craft(t, 100, 0, 0, -1, sample...),
		"is followed by that of 10":  slices.Concat(good, good),
	} {
		_, err := drain(offline(c, 0, 100, b))
		if _, ok := errors.AsType[*FormatError](err); !ok || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	for n := range good {
		if got, err := drain(offline(c, 0, 100, good[:n])); err != nil || len(got) > 0 {
			t.Fatalf("cut at %d: %v %v", n, got, err)
		}
	}
}

func FuzzBatches(f *testing.F) {
	for codec := int16(0); codec <= codecZstd; codec++ {
		f.Add(craft(f, 10, 0, codec, -1, sample...), int64(11), true)
	}
	f.Add(craft(f, 10, maskTxn|maskControl, 0, 7, rec{key: []byte{0, 0, 0, 0}}), int64(0), false)
	c := New(Config{MaxBatch: 1 << 20, Committed: true})
	f.Fuzz(func(t *testing.T, b []byte, from int64, reseal bool) {
		if h, ok := readHeader(b); ok && reseal && h.magic == 2 && h.size >= headerSize && h.size <= len(b) {
			seal(b[:h.size])
		}
		s := offline(c, max(from, 0), 1<<40, b, aborted{7, 3})
		defer s.Close()
		for {
			before := s.Position()
			r, ok, err := s.record()
			if !ok || err != nil {
				break
			}
			if r.Offset < before || r.Offset >= s.Position() {
				t.Fatalf("offset %d between the positions %d and %d", r.Offset, before, s.Position())
			}
			r.Headers(nil)
		}
	})
}

func FuzzResponse(f *testing.F) {
	f.Add(make([]byte, 64), int16(11))
	f.Add(append(append(make([]byte, 13), 1, 0, 1, 't', 0, 0, 0, 2), make([]byte, 80)...), int16(11))
	f.Fuzz(func(t *testing.T, b []byte, version int16) {
		var wants []*want
		for p := range int32(2) {
			wants = append(wants, &want{topic: "t", partition: p, answer: make(chan reply, 1)})
		}
		err := (&request{wants: slices.Clone(wants), version: version}).read(&body{r: bytes.NewReader(b), left: len(b)})
		for _, w := range wants {
			select {
			case a := <-w.answer:
				if a.err == nil && len(a.res.batches) > len(b) || a.err != nil && err == nil {
					t.Fatal("more batches than bytes, or an error that nobody else saw", a.err)
				}
			default:
				if err == nil {
					t.Fatal("a partition without an answer")
				}
			}
		}
		_, _ = parseIdentities(b)
	})
}
