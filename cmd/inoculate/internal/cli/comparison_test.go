package cli

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"inoculate/pipeline/overlap"
	"inoculate/sinks/dataset"
)

// TestComparison: a seal waits for a short comparison and goes on beside a long one, whose result a later seal has; the next one
// begins nine times as long after; a fault is reported once, and that others merge is none.
func TestComparison(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("no key file")
		began, n := time.Now(), int64(0)
		takes, fault := time.Second, error(nil)
		c := comparison{compare: func(ctx context.Context) (overlap.Counts, error) {
			n++
			found := overlap.Counts{Records: n}
			select {
			case <-ctx.Done():
				return overlap.Counts{}, context.Cause(ctx)
			case <-time.After(takes):
				return found, fault
			}
		}}
		look := func(at time.Duration, records int64, going bool, want error) {
			t.Helper()
			time.Sleep(at - time.Since(began))
			counts, err := c.look(t.Context(), 2*time.Second)
			if counts.Records != records || !errors.Is(err, want) || (err == nil) != (want == nil) || c.goesOn() != going {
				t.Fatalf("after %s: %v, %v, going on %v", at, counts, err, c.goesOn())
			}
		}
		look(0, 1, false, nil) // done at 1
		look(9*time.Second, 1, false, nil)
		takes = 20 * time.Second
		look(11*time.Second, 1, true, nil) // done at 31
		look(20*time.Second, 1, true, nil)
		time.Sleep(10 * time.Second)
		if synctest.Wait(); c.goesOn() {
			t.Error("what is done goes on")
		}
		look(33*time.Second, 2, false, nil) // rests from here on
		look(200*time.Second, 2, false, nil)
		takes, fault = time.Second, fmt.Errorf("comparing: %w", broken)
		look(220*time.Second, 2, false, broken)
		look(221*time.Second, 2, false, nil)
		fault = dataset.ErrMerged
		look(230*time.Second, 2, false, nil)
		takes, fault = time.Hour, nil
		look(300*time.Second, 2, true, nil)
		if err := c.stop(); err != nil {
			t.Errorf("ended: %v", err)
		}
		if c.goesOn() || n != 5 || time.Since(began) > 303*time.Second {
			t.Errorf("%d comparisons after %s, going on %v", n, time.Since(began), c.goesOn())
		}
		takes, fault = 3*time.Second, broken
		look(100*time.Hour, 2, true, nil)
		time.Sleep(5 * time.Second)
		if err := c.stop(); !errors.Is(err, broken) || c.stop() != nil {
			t.Errorf("what went wrong before the end: %v", err)
		}
	})
}
