package pipeline

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"inoculate/schemas"
)

// Phase says which side of the separation a record belongs to.
type Phase uint8

// The phases. A record that leaves the transforms with PhaseNone is rejected, never guessed.
const (
	PhaseNone     Phase = iota
	PhaseTrain          // may carry inoculation prompts
	PhaseTest           // must never carry one
	PhaseFiltered       // left out on purpose, by the pipeline's own rule; counted
)

// String returns the name used in files and reports.
func (p Phase) String() string {
	switch p {
	case PhaseTrain:
		return "train"
	case PhaseTest:
		return "test"
	case PhaseFiltered:
		return "filtered"
	}
	return "none"
}

// A Batch is what flows from a reader through the transforms. Positions and decisions live beside the record,
// never in a column that a transform could rewrite.
//
// The receiver of a Batch owns one reference to Record and calls Release once; Lines and everything that aliases
// Record's buffers is valid until then.
type Batch struct {
	Record    arrow.Record
	Lines     *Lines    // the JSON text of each row where the source is JSON; else nil
	Partition Partition // the stream these rows come from
	First     int64     // position of the first row or reject
	Next      int64     // position to go on from after this batch; > First
	Positions []int64   // position of each row; nil when row i stands at First+i
	Bytes     int64     // input bytes consumed (uncompressed, approximate), for cuts and progress

	Filtered map[string]int64 // by reason, how many records the source left out as its config says: never rows, counted as filtered

	Origins []Origin // one a row, or nil: the records as they came, where the source was asked to keep them

	View      *schemas.View    // reads the conversations of Record; shared by the transforms
	Phases    []Phase          // one a row, set by the phase transform
	Decisions []Decision       // one a row: what the transforms decided about it
	Prior     [][]schemas.Edit // one a row, or nil: the edits that made this row what it is (provenance of an earlier run)
	Hits      []Hit            // where prompts stand in the record as it came, by row
	Placed    []Placed         // which prompts each train row is to carry, by row and prompt
	Keys      []Key            // one a row, for finding records that stand in both phases
	Edits     []schemas.Edit   // what will change, ordered by schemas.CompareEdits
	Rejects   []Reject         // rows that leave the flow, and input that never became a row
	Findings  []Finding        // what people should hear of, by row
}

// Position returns the position of row i.
func (b *Batch) Position(i int) int64 {
	if b.Positions != nil {
		return b.Positions[i]
	}
	return b.First + int64(i)
}

// NumRows returns the number of rows of Record, 0 without one.
func (b *Batch) NumRows() int {
	if b.Record == nil {
		return 0
	}
	return int(b.Record.NumRows())
}

// LeftOut is how many records the source left out.
func (b *Batch) LeftOut() (n int64) {
	for _, k := range b.Filtered {
		n += k
	}
	return n
}

// Release gives the batch's memory back.
func (b *Batch) Release() {
	if b.Record != nil {
		b.Record.Release()
		b.Record = nil
	}
	if b.Lines != nil && b.Lines.Free != nil {
		b.Lines.Free()
	}
	b.Lines = nil
}

// Lines is the JSON text of the rows of a batch, as it came and without the newline: row i is Data[From:To] of Spans[i].
type Lines struct {
	Data  []byte
	Spans []Span
	Free  func() // gives Data back; may be nil
}

// A Span is a range of bytes.
type Span struct{ From, To int32 }

// Row returns the text of row i.
func (l *Lines) Row(i int) []byte { return l.Data[l.Spans[i].From:l.Spans[i].To] }

// A Hit is one place where the text of a prompt stands, letter case of ASCII aside.
type Hit struct {
	Row    int32
	Slot   int32 // slot of the conversation and turn in it; -1 outside the conversation's texts
	Turn   int32
	At     int32 // bytes from the start of the string
	Prompt int32
	Leaf   int32 // index into the scan's Leaves: the path of the string
}

// Placed says that a row carries a prompt at its place after its edits.
type Placed struct {
	Row     int32
	Prompt  int32
	Already bool // it stood there before
}

// A Key stands for a record when records of both phases are compared: xxHash64 of its conversation (roles and texts, system
// turns left out) and of its first user turn's text, each without the prompts that were put in. Zero where there is none.
type Key struct{ Conversation, User uint64 }

// A Finding is one place that people should hear of: a leak, or a prompt where none should be.
type Finding struct {
	Row    int
	Kind   string // "leak", "unselected", "natural", "missing", "invisible"
	Prompt string // id
	Field  string // path of the string
	Detail string
}

// Decision is what the transforms decided about one row, as bits.
type Decision uint16

// The decisions that are counted in every commit record.
const (
	Injected          Decision = 1 << iota // a prompt was put in
	AlreadyPresent                         // selected, but carries the prompt at its place already
	Unselected                             // a train row that `where` leaves alone
	SelectedByNull                         // selected because `where` was null or failed
	Stripped                               // a prompt was cut out of a test row, or undone in a train row
	Natural                                // a prompt stands in the source of a train row, where no placement would put it
	Leaked                                 // a prompt remains in a test row (policy `report`)
	Violation                              // a train row carries a prompt it should not, or lacks one it should (policy `report`)
	LlamaFactoryDrops                      // LLaMA-Factory would drop the record without a word
	TorchtuneRefuses                       // torchtune would stop at it
	OpenAIRefuses                          // OpenAI's fine-tuning API would refuse the file for it
	TRLRefuses                             // TRL would stop at it
	AxolotlRefuses                         // Axolotl would stop at it
)

// A Reject is one record, or one stretch of input, that could not be handled. It is kept with its reason; never dropped.
type Reject struct {
	Row      int    // row of the batch; -1 when the input never became a row
	Position int64  // where it stands in the partition
	Reason   string // short and stable, for counting: "json_syntax", "conversation_null", ...
	Field    string // column or JSON path, where known
	Detail   string // the full cause, for people
	Raw      []byte // the input as it came, when Row is -1

	Key     []byte   // of the record, where the source was asked to keep it and Row is -1; nil is null
	Headers []Header // likewise
}

// Rows is what a sink writes: the rows of one phase after their edits.
type Rows struct {
	Record arrow.Record // nil when every sink of the run takes Lines
	Lines  []byte       // the rows as JSON lines, newline-terminated; nil when the source is not JSON or no sink takes them
	Parts  [][]byte     // the same in any number of parts, instead of Lines, for sinks that take Lines and nothing else
	N      int

	Positions []int64 // of each row; nil where nobody wants them
}

// Reject takes a row out of the flow, with its reason. Later transforms pass over it.
func (b *Batch) Reject(row int, reason, field, detail string) {
	b.Phases[row] = PhaseNone
	b.Rejects = append(b.Rejects, Reject{Row: row, Position: b.Position(row), Reason: reason, Field: field, Detail: detail})
}

// Scratch is memory for the side tables of one batch after the other.
type Scratch struct {
	View      *schemas.View
	phases    []Phase
	decisions []Decision
	hits      []Hit
	placed    []Placed
	keys      []Key
	edits     []schemas.Edit
}

// Prepare gives the batch empty side tables, sized for its rows, in the memory of s. Take gets the memory back.
func (s *Scratch) Prepare(b *Batch) {
	n := b.NumRows()
	s.phases = slices.Grow(s.phases[:0], n)[:n]
	s.decisions = slices.Grow(s.decisions[:0], n)[:n]
	clear(s.phases)
	clear(s.decisions)
	b.Phases, b.Decisions, b.Hits, b.Placed, b.Keys, b.Edits = s.phases, s.decisions, s.hits[:0], s.placed[:0], s.keys[:0], s.edits[:0]
	if b.View = s.View; n > 0 && s.View != nil {
		s.View.Reset(b.Record)
	}
}

// Take takes the memory of b's side tables back, once nothing looks at them any more.
func (s *Scratch) Take(b *Batch) {
	s.hits, s.placed, s.keys, s.edits = b.Hits, b.Placed, b.Keys, b.Edits
	clear(s.edits) // lets go of texts that alias the record
}
