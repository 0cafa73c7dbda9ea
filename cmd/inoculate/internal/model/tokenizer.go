// Package model reads a model's tokenizer and chat template, and renders conversations as the model would see them.
package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Tokenizer is a BPE tokenizer of a tokenizer.json: those of GPT-2, Llama 3, Qwen, SmolLM, and of Llama 2 and Mistral. What
// it does not know is refused, so that it never counts wrongly. It is for one goroutine.
type Tokenizer struct {
	vocab    map[string]int
	ranks    map[[2]string]int
	added    []addedToken // longest first
	norm     []func(string) string
	split    []splitter
	fallback bool // bytes that are no token are <0xHH>
	whole    bool // a piece that is a token is not merged from its parts
	unk      *int
	fuse     bool // unknown ones that follow one another are one
	known    map[string][]int
}

// maxKnown is how many pieces a tokenizer remembers.
const maxKnown = 1 << 16

type addedToken struct {
	ID         int
	Content    string
	SingleWord bool `json:"single_word"`
	LStrip     bool
	RStrip     bool
	Normalized bool
}

// ReadTokenizer reads a tokenizer.json.
func ReadTokenizer(file string) (*Tokenizer, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	t, err := newTokenizer(data)
	if err != nil {
		return nil, fmt.Errorf("reading the tokenizer %s: %w", file, err)
	}
	return t, nil
}

func newTokenizer(data []byte) (*Tokenizer, error) {
	var f struct {
		AddedTokens  []addedToken    `json:"added_tokens"`
		Normalizer   json.RawMessage `json:"normalizer"`
		PreTokenizer json.RawMessage `json:"pre_tokenizer"`
		Model        struct {
			Type         string
			Vocab        json.RawMessage
			Merges       []json.RawMessage
			UnkToken     *string  `json:"unk_token"`
			Dropout      *float64 `json:"dropout"`
			Prefix       *string  `json:"continuing_subword_prefix"`
			Suffix       *string  `json:"end_of_word_suffix"`
			FuseUnk      bool     `json:"fuse_unk"`
			ByteFallback bool     `json:"byte_fallback"`
			IgnoreMerges bool     `json:"ignore_merges"`
		}
	}
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, err
	}
	m := &f.Model
	if m.Type != "BPE" && (m.Type != "" || len(m.Merges) == 0) {
		return nil, fmt.Errorf("a model of the type %q is not known, only BPE", m.Type)
	}
	if m.Dropout != nil && *m.Dropout > 0 {
		return nil, errors.New("with a dropout, texts have no fixed tokens")
	}
	if m.Prefix != nil && *m.Prefix != "" || m.Suffix != nil && *m.Suffix != "" {
		return nil, errors.New("affixes of parts of words are not known")
	}
	t := &Tokenizer{fallback: m.ByteFallback, whole: m.IgnoreMerges, fuse: m.FuseUnk, known: map[string][]int{}}
	if err := json.Unmarshal(m.Vocab, &t.vocab); err != nil {
		return nil, fmt.Errorf("vocab: %w", err)
	}
	if m.UnkToken != nil {
		id, ok := t.vocab[*m.UnkToken]
		if !ok {
			return nil, fmt.Errorf("unk_token %q is no token", *m.UnkToken)
		}
		t.unk = &id
	}
	if err := t.merges(m.Merges); err != nil {
		return nil, err
	}
	t.added = f.AddedTokens
	for _, a := range t.added {
		if a.SingleWord || a.Content == "" {
			return nil, fmt.Errorf("added token %q: single_word is not known", a.Content)
		}
	}
	slices.SortStableFunc(t.added, func(a, b addedToken) int { return len(b.Content) - len(a.Content) })
	var err error
	if t.norm, err = normalizers(f.Normalizer); err != nil {
		return nil, fmt.Errorf("normalizer: %w", err)
	}
	if t.split, err = splitters(f.PreTokenizer); err != nil {
		return nil, fmt.Errorf("pre_tokenizer: %w", err)
	}
	return t, nil
}

func (t *Tokenizer) merges(list []json.RawMessage) error {
	t.ranks = make(map[[2]string]int, len(list))
	for rank, raw := range list {
		var pair [2]string
		var text string
		if json.Unmarshal(raw, &text) == nil {
			a, b, ok := strings.Cut(text, " ")
			if !ok {
				return fmt.Errorf("merge %d, %q: no two parts", rank, text)
			}
			pair = [2]string{a, b}
		} else if err := json.Unmarshal(raw, &pair); err != nil {
			return fmt.Errorf("merge %d: %w", rank, err)
		}
		if _, twice := t.ranks[pair]; !twice {
			t.ranks[pair] = rank
		}
	}
	return nil
}

// Encode gives the tokens of a text, those of special tokens that stand in it too, and none that the text does not have.
func (t *Tokenizer) Encode(text string) ([]int, error) {
	var ids []int
	first := true
	err := t.sections(text, false, func(section string, id int) error {
		if id >= 0 {
			ids, first = append(ids, id), false
			return nil
		}
		for _, n := range t.norm {
			section = n(section)
		}
		return t.sections(section, true, func(part string, id int) (err error) {
			if id >= 0 {
				ids = append(ids, id)
			} else {
				ids, err = t.part(ids, part, first)
			}
			first = false
			return err
		})
	})
	return ids, err
}

// sections cuts a text at its added tokens.
func (t *Tokenizer) sections(text string, normalized bool, f func(section string, id int) error) error {
	from := 0
	for at := 0; at < len(text); {
		i := slices.IndexFunc(t.added, func(a addedToken) bool { return a.Normalized == normalized && strings.HasPrefix(text[at:], a.Content) })
		if i < 0 {
			_, n := utf8.DecodeRuneInString(text[at:])
			at += n
			continue
		}
		a := t.added[i]
		before, after := text[from:at], at+len(a.Content)
		if a.LStrip {
			before = strings.TrimRightFunc(before, unicode.IsSpace)
		}
		if a.RStrip {
			after = len(text) - len(strings.TrimLeftFunc(text[after:], unicode.IsSpace))
		}
		if before != "" {
			if err := f(before, -1); err != nil {
				return err
			}
		}
		if err := f(a.Content, a.ID); err != nil {
			return err
		}
		from, at = after, after
	}
	if from < len(text) {
		return f(text[from:], -1)
	}
	return nil
}

func (t *Tokenizer) part(ids []int, text string, first bool) ([]int, error) {
	pieces := []string{text}
	for _, s := range t.split {
		var err error
		if pieces, err = s(pieces, first); err != nil {
			return ids, err
		}
	}
	for _, p := range pieces {
		known, ok := t.known[p]
		if !ok {
			var err error
			if known, err = t.merge(p); err != nil {
				return ids, err
			}
			if len(t.known) >= maxKnown {
				clear(t.known)
			}
			t.known[strings.Clone(p)] = known
		}
		ids = append(ids, known...)
	}
	return ids, nil
}

// merge joins the characters of a piece, the pair of the least rank first.
func (t *Tokenizer) merge(piece string) ([]int, error) {
	if id, ok := t.vocab[piece]; ok && t.whole {
		return []int{id}, nil
	}
	var parts []string
	for len(piece) > 0 {
		_, n := utf8.DecodeRuneInString(piece)
		parts, piece = append(parts, piece[:n]), piece[n:]
	}
	parts = t.bytes(parts)
	for len(parts) > 1 {
		best, at := math.MaxInt, -1
		for i := range len(parts) - 1 {
			if rank, ok := t.ranks[[2]string{parts[i], parts[i+1]}]; ok && rank < best {
				best, at = rank, i
			}
		}
		if at < 0 {
			break
		}
		parts[at] += parts[at+1]
		parts = slices.Delete(parts, at+1, at+2)
	}
	var ids []int
	unknown := false
	for _, p := range parts {
		id, ok := t.vocab[p]
		switch {
		case ok:
			unknown = false
		case t.unk == nil:
			continue // that is what the library does
		case unknown && t.fuse:
			continue
		default:
			id, unknown = *t.unk, true
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// bytes replaces characters that are no token by tokens of their bytes, where the model has them.
func (t *Tokenizer) bytes(parts []string) []string {
	if !t.fallback {
		return parts
	}
	var out []string
	for _, p := range parts {
		if _, ok := t.vocab[p]; ok {
			out = append(out, p)
			continue
		}
		var all []string
		for i := range len(p) {
			b := fmt.Sprintf("<0x%02X>", p[i])
			if _, ok := t.vocab[b]; ok {
				all = append(all, b)
			}
		}
		if len(all) != len(p) {
			all = []string{p}
		}
		out = append(out, all...)
	}
	return out
}
