package cli

import (
	"fmt"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"inoculate/pipeline/commitlog"
	"inoculate/pipeline/engine"
)

// progress shows how far a run is: a bar on a terminal, a line now and then elsewhere.
type progress struct {
	done chan struct{}
	wg   sync.WaitGroup
}

func (p *progress) stop() {
	close(p.done)
	p.wg.Wait()
}

// lineEvery is the time between two lines where there is no terminal.
const lineEvery = 10 * time.Second

func (a *app) progress(log *commitlog.Log, stats *engine.Stats) *progress {
	p := &progress{done: make(chan struct{})}
	if a.quiet {
		return p
	}
	total := int64(0)
	for _, part := range log.Run().Plan {
		total += part.Bytes
		if part.Endless() {
			total = 0
			break
		}
	}
	if total == 0 {
		p.every(lineEvery, func() {
			fmt.Fprintf(a.errOut, "%d rows, %s so far\n", stats.Rows.Load(), humanBytes(stats.Bytes.Load()))
		}, func() {})
		return p
	}
	if terminal(a.errOut) && a.format == "text" {
		bar := progressbar.NewOptions64(max(total, 1), progressbar.OptionSetWriter(a.errOut), progressbar.OptionShowBytes(true),
			progressbar.OptionSetPredictTime(true), progressbar.OptionFullWidth(), progressbar.OptionClearOnFinish())
		p.every(100*time.Millisecond, func() {
			bar.Describe(fmt.Sprintf("%d rows", stats.Rows.Load()))
			bar.Set64(min(stats.Bytes.Load(), max(total, 1)))
		}, func() { bar.Finish() })
		return p
	}
	started := time.Now()
	p.every(lineEvery, func() {
		done, sec := stats.Bytes.Load(), time.Since(started).Seconds()
		eta := "?"
		if done > 0 && total > done {
			eta = (time.Duration(sec*float64(total-done)/float64(done)) * time.Second).String()
		}
		fmt.Fprintf(a.errOut, "%d rows, %.0f of %.0f MB, %.0f MB/s, ETA %s\n", stats.Rows.Load(), float64(done)/1e6, float64(total)/1e6, float64(done)/1e6/sec, eta)
	}, func() {})
	return p
}

func (p *progress) every(d time.Duration, show, end func()) {
	p.wg.Go(func() {
		t := time.NewTicker(d)
		defer t.Stop()
		for {
			select {
			case <-p.done:
				end()
				return
			case <-t.C:
				show()
			}
		}
	})
}
