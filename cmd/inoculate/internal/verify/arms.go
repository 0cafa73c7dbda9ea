package verify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"path/filepath"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"inoculate/cmd/inoculate/internal/catalog"
	"inoculate/pipeline"
	"inoculate/schemas"
	"inoculate/schemas/jsonrow"
	"inoculate/sinks/dataset"
)

// Restored is the digest of the records of a sealed folder, in order, with everything taken out that was put in.
type Restored struct {
	SHA256  string
	Records int64
	marks   []string // the digest so far, every markEvery records
}

// markEvery is how finely a difference between two folders can be placed.
const markEvery = 1024

// Arms proves of a folder of arms that each holds, and that they differ in nothing but what was put in. The reports are
// those of the arms, their test records searched by tier; the first difference is an error.
func Arms(ctx context.Context, folder, tier string, mem memory.Allocator) (reports []*Report, err error) {
	arms, err := dataset.ReadArms(folder)
	if err != nil {
		return nil, err
	}
	var first *Restored
	for i, a := range arms.Arms {
		at := filepath.Join(folder, a.Name)
		r, err := Folder(ctx, at, tier, mem)
		if err != nil {
			return reports, fmt.Errorf("arm %s: %w", a.Name, err)
		}
		reports = append(reports, r)
		if r.Run != a.Run {
			return reports, &DamageError{at, fmt.Sprintf("it is of run %s, %s names %s", r.Run, dataset.ArmsName, a.Run)}
		}
		rest, err := Restore(ctx, at, mem)
		if err != nil {
			return reports, fmt.Errorf("arm %s: %w", a.Name, err)
		}
		if i == 0 {
			first = rest
		}
		if diff := first.differ(rest); diff != "" {
			return reports, &DamageError{at, fmt.Sprintf("it differs from arm %s in more than the prompts: %s", arms.Arms[0].Name, diff)}
		}
		r.prove("alike", true, "with the prompts taken out, %d records have sha256 %.12s…, as in every arm", rest.Records, rest.SHA256)
	}
	if first == nil || first.SHA256 != arms.Restored || first.Records != arms.Records {
		return reports, &DamageError{dataset.ArmsName, "the records of the arms are not those that it was written for"}
	}
	return reports, nil
}

// Restore reads all records of a sealed folder and takes out what was put in.
func Restore(ctx context.Context, folder string, mem memory.Allocator) (_ *Restored, err error) {
	sealed, err := catalog.OpenSealed(folder)
	if err != nil {
		return nil, err
	}
	out := &Restored{}
	sum := sha256.New()
	cfg := sealed.StripConfig("unused", nil)
	if len(cfg.Source.Paths) == 0 {
		out.SHA256 = hex.EncodeToString(sum.Sum(nil))
		return out, nil
	}
	p, err := sealed.AssembleStrip(ctx, cfg, mem)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.Source.Close()) }()
	w := &restorer{out: out, sum: sum, pipeline: p, kernel: schemas.NewKernel(mem, p.Layout), scratch: pipeline.Scratch{View: schemas.NewView(p.Layout)}, prior: sealed.NewPrior(mem)}
	defer func() { err = errors.Join(err, w.prior.Close()) }()
	if w.encoder, err = jsonrow.NewEncoder(p.Source.Schema()); err != nil {
		return nil, err
	}
	for _, t := range p.Transforms[:len(p.Transforms)-1] { // the last one checks
		a, err := t.Bind(p.Source.Schema())
		if err != nil {
			return nil, err
		}
		w.appliers = append(w.appliers, a)
	}
	plan, err := p.Source.Plan(ctx)
	if err != nil {
		return nil, err
	}
	for _, part := range plan {
		if err := w.partition(ctx, part); err != nil {
			return nil, err
		}
	}
	out.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return out, nil
}

// differ says where two folders begin to differ; "" where they do not.
func (r *Restored) differ(o *Restored) string {
	if r.SHA256 == o.SHA256 && r.Records == o.Records {
		return ""
	}
	for i := range min(len(r.marks), len(o.marks)) {
		if r.marks[i] != o.marks[i] {
			return fmt.Sprintf("the first difference is in records %d to %d", i*markEvery, (i+1)*markEvery-1)
		}
	}
	return fmt.Sprintf("%d and %d records, alike up to record %d at least", r.Records, o.Records, min(len(r.marks), len(o.marks))*markEvery)
}

type restorer struct {
	out      *Restored
	sum      hash.Hash
	pipeline *catalog.Pipeline
	kernel   *schemas.Kernel
	encoder  *jsonrow.Encoder
	appliers []pipeline.Applier
	scratch  pipeline.Scratch
	prior    *catalog.Prior
	line     []byte
}

func (w *restorer) partition(ctx context.Context, part pipeline.Partition) error {
	if err := w.prior.Reset(ctx, part, part.First); err != nil {
		return err
	}
	return pipeline.EachBatch(ctx, w.pipeline.Source, part, func(b *pipeline.Batch) error { return w.batch(ctx, b) })
}

func (w *restorer) batch(ctx context.Context, b *pipeline.Batch) (err error) {
	if b.NumRows() == 0 {
		return nil
	}
	w.scratch.Prepare(b)
	defer w.scratch.Take(b)
	if b.Prior, err = w.prior.Next(ctx, b.NumRows()); err != nil {
		return err
	}
	for _, a := range w.appliers {
		if err := a.Apply(ctx, b); err != nil {
			return err
		}
	}
	rec, err := w.kernel.Rows(b.Record, b.Edits, []schemas.Run{{Start: 0, N: b.NumRows()}})
	if err != nil {
		return fmt.Errorf("%s, position %d: %w", b.Partition.Source, b.First, err)
	}
	defer rec.Release()
	for i := range b.NumRows() {
		w.line = append(w.line[:0], byte(b.Phases[i]))
		if w.line, err = w.encoder.Append(w.line, rec, i); err != nil {
			return err
		}
		w.sum.Write(append(w.line, '\n'))
		if w.out.Records++; w.out.Records%markEvery == 0 {
			w.out.marks = append(w.out.marks, hex.EncodeToString(w.sum.Sum(nil)))
		}
	}
	return nil
}
