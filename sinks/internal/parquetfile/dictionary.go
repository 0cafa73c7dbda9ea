package parquetfile

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
)

const (
	maxDictionary      = 64 << 10 // values
	maxDictionaryBytes = 1 << 20
	probeValues        = 512 // after which it shows whether a dictionary pays off
)

// A dictionary numbers the different values of a column chunk in the order in which they come.
type dictionary struct {
	seed   maphash.Seed
	width  int // bytes of a value, 0 where it varies
	values buffer
	starts []uint32 // where each value starts in values, and the end of the last one
	hashes []uint32
	slots  []uint32 // open addressing: number of a value, plus 1
	last   uint32   // number of the last value

	probing  bool
	rejected bool  // by the probe
	seen     int   // while probing: values
	plain    int64 // and their bytes as PLAIN
	maxPlain int64 // at which probing ends
}

func (d *dictionary) len() int { return len(d.hashes) }

func (d *dictionary) reset() {
	clear(d.slots)
	d.values.n, d.starts, d.hashes, d.last = 0, append(d.starts[:0], 0), d.hashes[:0], 0
	d.probing, d.rejected, d.seen, d.plain = true, false, 0, 0
}

func (d *dictionary) free() {
	d.values.free()
	d.starts, d.hashes, d.slots = nil, nil, nil
}

// truncate forgets all values but the first n.
func (d *dictionary) truncate(n int) {
	d.starts, d.hashes = d.starts[:n+1], d.hashes[:n]
	d.values.n = int(d.starts[n])
}

// stored is value i as PLAIN stores it.
func (d *dictionary) stored(i uint32) []byte { return d.values.buf[d.starts[i]:d.starts[i+1]] }

// value is value i, without a length in front of it.
func (d *dictionary) value(i uint32) []byte {
	if d.width == 0 {
		return d.stored(i)[4:]
	}
	return d.stored(i)
}

// pays tells whether values come up often enough.
func (d *dictionary) pays() bool {
	return 2*d.len() <= d.seen && 2*int64(d.values.n) <= d.plain
}

// number finds v, or adds it. It is false where the dictionary is too large for that, or does not pay off.
func (d *dictionary) number(v []byte) (i uint32, ok bool) {
	if d.probing {
		d.seen++
		d.plain += int64(len(v))
		if d.width == 0 {
			d.plain += 4
		}
	}
	if i, ok = d.find(v); ok && d.probing && (d.seen == probeValues || d.plain >= d.maxPlain) {
		d.probing, d.rejected = false, !d.pays()
		ok = !d.rejected
	}
	return i, ok
}

func (d *dictionary) find(v []byte) (uint32, bool) {
	if d.len() > 0 && bytes.Equal(v, d.value(d.last)) {
		return d.last, true
	}
	if 2*d.len() >= len(d.slots) {
		d.grow()
	}
	h := uint32(maphash.Bytes(d.seed, v))
	mask := uint32(len(d.slots) - 1)
	at := h & mask
	for ; d.slots[at] != 0; at = (at + 1) & mask {
		if i := d.slots[at] - 1; d.hashes[i] == h && bytes.Equal(v, d.value(i)) {
			d.last = i
			return i, true
		}
	}
	if d.len() == maxDictionary || d.values.n+len(v)+4 > maxDictionaryBytes {
		return 0, false
	}
	if d.width == 0 {
		binary.LittleEndian.PutUint32(d.values.extend(4), uint32(len(v)))
	}
	copy(d.values.extend(len(v)), v)
	d.last = uint32(d.len())
	d.starts, d.hashes = append(d.starts, uint32(d.values.n)), append(d.hashes, h)
	d.slots[at] = d.last + 1
	return d.last, true
}

func (d *dictionary) grow() {
	n := max(256, 2*len(d.slots))
	if n <= cap(d.slots) {
		d.slots = d.slots[:n]
		clear(d.slots)
	} else {
		d.slots = make([]uint32, n)
	}
	mask := uint32(n - 1)
	for i, h := range d.hashes {
		at := h & mask
		for d.slots[at] != 0 {
			at = (at + 1) & mask
		}
		d.slots[at] = uint32(i) + 1
	}
}
