package check

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"

	"inoculate/pipeline"
	"inoculate/schemas"
)

// hasher makes the keys by which records of both phases are compared: of each text its hash, and of the conversation the hash of
// its roles, and of the lengths and hashes of its texts.
type hasher struct{ parts []byte }

func (h *hasher) key(turns []schemas.Turn) (k pipeline.Key) {
	h.parts = h.parts[:0]
	some := false
	for i := range turns {
		t := &turns[i]
		if t.Role == schemas.RoleSystem {
			continue
		}
		some = true
		if t.JSON() == nil || t.Single() {
			sum := h.add(t.Role, t.Text)
			if t.Role == schemas.RoleUser && k.User == 0 {
				k.User = sum
			}
			continue
		}
		for _, p := range t.Parts() {
			h.add(t.Role, p)
		}
		if t.Role == schemas.RoleUser && k.User == 0 {
			k.User = xxhash.Sum64(t.Text)
		}
	}
	if some {
		k.Conversation = xxhash.Sum64(h.parts)
	}
	return k
}

func (h *hasher) add(r schemas.Role, text []byte) uint64 {
	sum := xxhash.Sum64(text)
	h.parts = append(h.parts, byte(r))
	h.parts = binary.LittleEndian.AppendUint64(h.parts, uint64(len(text)))
	h.parts = binary.LittleEndian.AppendUint64(h.parts, sum)
	return sum
}
