package check

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"

	"inoculate/pipeline"
	"inoculate/schemas"
)

// hasher makes the keys by which records of both phases are compared.
type hasher struct{ digest xxhash.Digest }

func (h *hasher) key(turns []schemas.Turn) (k pipeline.Key) {
	h.digest.Reset()
	some := false
	for i := range turns {
		t := &turns[i]
		if t.Role == schemas.RoleSystem {
			continue
		}
		some = true
		h.turn(t)
		if t.Role == schemas.RoleUser && k.User == 0 {
			k.User = xxhash.Sum64(t.Text)
		}
	}
	if some {
		k.Conversation = h.digest.Sum64()
	}
	return k
}

// turn adds role and texts, each with its length, so that no two conversations run together.
func (h *hasher) turn(t *schemas.Turn) {
	var head [9]byte
	head[0] = byte(t.Role)
	add := func(text []byte) {
		binary.LittleEndian.PutUint64(head[1:], uint64(len(text)))
		h.digest.Write(head[:])
		h.digest.Write(text)
	}
	if t.JSON() == nil {
		add(t.Text)
		return
	}
	for _, p := range t.Parts() {
		add(p)
	}
}
