package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"inoculate/cmd/inoculate/internal/catalog"
	"inoculate/cmd/inoculate/internal/compact"
	"inoculate/pipeline"
	"inoculate/pipeline/commitlog"
	"inoculate/pipeline/overlap"
	"inoculate/sinks/dataset"
)

// A sealing keeps the folder of a run in order: it folds, merges and seals now and then while the run goes on, and seals at its end.
type sealing struct {
	*app
	p         *catalog.Pipeline
	log       *commitlog.Log
	apart     compact.Apart
	comparing comparison
}

func newSealing(a *app, p *catalog.Pipeline, log *commitlog.Log) *sealing {
	s := &sealing{app: a, p: p, log: log}
	s.comparing.compare = s.sealer().Compare
	return s
}

func (s *sealing) fold(ctx context.Context) error { return s.apart.Fold(ctx, s.log) }

// merge merges small files before a seal, for as long as there is between two, and tells whether there are more. Those whose keys
// are being compared are left for the next time.
func (s *sealing) merge(ctx context.Context) (more bool, err error) {
	if s.comparing.goesOn() {
		return false, nil
	}
	return s.mergeWithin(ctx, time.Duration(s.p.Config.Sink.SealEvery))
}

// mergeWithin merges small files. It begins no merge after so long; 0 for no limit. A seal has to follow, since the one before
// names files that are gone.
func (s *sealing) mergeWithin(ctx context.Context, within time.Duration) (more bool, err error) {
	if _, err := s.log.Collect(ctx); err != nil {
		return false, err
	}
	sink := &s.p.Config.Sink
	merging := compact.Job{Log: s.log, Folder: sink.Path, Target: int64(sink.Compact), RowGroup: int64(sink.RowGroup), Apart: &s.apart, Within: within, Mem: s.p.Mem, Logger: s.logger}
	_, more, err = merging.Run(ctx)
	return more, err
}

// now seals what is committed while the run goes on. The phases are compared beside it, and a seal says what is known of them:
// where that does not take long, it waits for it.
func (s *sealing) now(ctx context.Context) error {
	sealer := s.sealer()
	if s.p.Config.Sink.Files() {
		var err error
		if sealer.Known, err = s.comparing.look(ctx, time.Duration(s.p.Config.Sink.SealEvery)/4); err != nil {
			return err
		}
	}
	_, err := s.seal(ctx, isOver, sealer)
	return err
}

// isOver is a context that is done.
var isOver = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// last seals what the run has committed. Where there was no time for it, the error says what the folder shows instead.
func (s *sealing) last(ctx, compare context.Context) (*dataset.Manifest, error) {
	if s.p.Config.Sink.Compact > 0 && !s.p.Config.Streams() { // a stream has to end in time: its next run merges
		if _, err := s.mergeWithin(ctx, 0); err != nil {
			return nil, err
		}
	}
	makeRoom(s.p.Mem)
	sealer := s.sealer()
	sealer.Known = s.comparing.counts
	m, err := s.seal(ctx, compare, sealer)
	if err == nil || ctx.Err() == nil {
		return m, err
	}
	shows := "it has not been sealed before"
	data, readErr := s.log.ReadFile(dataset.ManifestName)
	if readErr == nil {
		var old *dataset.Manifest
		if old, readErr = dataset.ReadManifest(data); readErr == nil {
			shows = fmt.Sprintf("its last seal stands, which covers %s", counted(int(old.Counts["in"]), "record"))
		}
	} else if errors.Is(readErr, fs.ErrNotExist) {
		readErr = nil
	}
	return nil, errors.Join(fmt.Errorf("no time left to seal %s (--drain), %s: %w", s.p.Config.Sink.Path, shows, err), readErr)
}

func (s *sealing) seal(ctx, compare context.Context, sealer *dataset.Sealer) (m *dataset.Manifest, err error) {
	began := time.Now()
	if _, err := s.log.Collect(ctx); err != nil {
		return nil, err
	}
	sink := &s.p.Config.Sink
	if sink.Files() {
		m, err = sealer.Seal(ctx, compare)
	} else {
		m, err = sealer.SealDelivered(ctx)
	}
	if err == nil {
		s.logger.Info("sealed", "folder", sink.Path, "records", m.Counts[pipeline.CountIn], "files", len(m.Files), "took", time.Since(began).Round(time.Millisecond))
	}
	return m, err
}

func (s *sealing) sealer() *dataset.Sealer {
	sink := &s.p.Config.Sink
	return &dataset.Sealer{Log: s.log, Layout: s.p.Layout, Formats: sink.Format, Train: sink.Train, Test: sink.Test,
		Open: func(name string) (io.ReadCloser, error) {
			return os.Open(filepath.Join(sink.Path, filepath.FromSlash(name)))
		},
		Temp: func() (overlap.Temp, error) { return overlap.TempIn(s.log.StagingPath()) }}
}
