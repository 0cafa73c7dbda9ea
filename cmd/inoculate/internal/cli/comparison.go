package cli

import (
	"context"
	"errors"
	"time"

	"inoculate/pipeline/overlap"
	"inoculate/sinks/dataset"
)

// A comparison of the phases goes on beside the seals of a stream: it reads the keys of all records, and seals are due more often
// than it can be done where there are many. The zero value with compare is ready; it serves one goroutine.
type comparison struct {
	compare func(context.Context) (overlap.Counts, error)

	counts overlap.Counts // what the last one found
	going  chan compared  // of the one that goes on; nil: none does
	cancel context.CancelFunc
	rest   time.Time // the next one does not begin before
}

type compared struct {
	counts overlap.Counts
	err    error
	cut    bool // it was ended before it was done
	took   time.Duration
}

// compareRest is how much longer than a comparison the time to the next one is, at least.
const compareRest = 9

// look begins a comparison where one is due, waits for it for so long at most, and returns what the last one found. What goes
// wrong in one is returned once; the next look begins another.
func (c *comparison) look(ctx context.Context, wait time.Duration) (overlap.Counts, error) {
	if c.going == nil {
		if time.Now().Before(c.rest) {
			return c.counts, nil
		}
		ctx, c.cancel = context.WithCancel(ctx)
		c.going = make(chan compared, 1)
		go func() {
			began := time.Now()
			counts, err := c.compare(ctx)
			c.going <- compared{counts, err, err != nil && ctx.Err() != nil, time.Since(began)}
		}()
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case r := <-c.going:
		return c.counts, c.end(r)
	case <-timer.C:
		return c.counts, nil
	}
}

func (c *comparison) end(r compared) error {
	c.cancel()
	c.going, c.rest = nil, time.Now().Add(compareRest*r.took)
	switch {
	case r.cut:
		return nil
	case r.err == nil:
		c.counts = r.counts
	case errors.Is(r.err, dataset.ErrMerged): // the next one may do
		return nil
	}
	return r.err
}

// goesOn tells whether the keys of committed files are being read.
func (c *comparison) goesOn() bool { return c.going != nil && len(c.going) == 0 }

// stop ends the comparison that goes on, if any, waits for it, and returns what went wrong in it before.
func (c *comparison) stop() error {
	if c.going == nil {
		return nil
	}
	c.cancel()
	return c.end(<-c.going)
}
