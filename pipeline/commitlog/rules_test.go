package commitlog_test

import (
	"errors"
	"fmt"
	"testing"

	"inoculate/pipeline/commitlog"
	"inoculate/pipeline/commitlog/commitlogtest"
)

// B reads a record that A has just linked, and acts on it; then the power goes.
func readThenPowerLoss() error {
	for seed := range uint64(32) {
		w := newWorld()
		a, b := w.owner(5), w.owner(5)
		if err := errors.Join(a.start(), b.start()); err != nil {
			return err
		}
		a.pause(func(op commitlogtest.Op) bool { return op.Kind == "syncdir" && op.Name == "_commits/r1/a-0" }, func() {
			if b.reread() == nil && b.chain.Next == 2 {
				b.pause(func(op commitlogtest.Op) bool { return op.Kind == "syncdir" && op.Name == "_commits/r1/a-0" }, w.disk.Cut)
				_ = b.segment(2, 4)
			}
		})
		if err := a.segment(0, 2); err == nil {
			return errors.New("no error after a power loss")
		}
		w.disk.On(commitlogtest.Keep(seed))
		if err := w.check(); err != nil {
			return fmt.Errorf("choice %d: %w", seed, err)
		}
	}
	return nil
}

// A has brought its files forward and not synced; B has written them again; the collector finds B's; then the power goes.
func secondCopies() error {
	for seed := range uint64(32) {
		w := newWorld()
		a, b, c := w.owner(5), w.owner(5), w.owner(5)
		if err := errors.Join(a.start(), b.start(), c.start()); err != nil {
			return err
		}
		a.pause(is("syncdir", "train"), func() {
			b.pause(is("syncdir", ".staging"), func() {
				_, _ = c.log.Collect(bg)
				w.disk.Cut()
			})
			_, _ = b.write(0, 2)
		})
		err := a.segment(0, 2)
		if !errors.Is(err, commitlogtest.ErrPower) {
			return fmt.Errorf("no power loss: %v", err)
		}
		w.disk.On(commitlogtest.Keep(seed))
		if err := w.check(); err != nil {
			return fmt.Errorf("choice %d: %w", seed, err)
		}
	}
	return nil
}

// The sync of a data file fails, and the kernel forgets the content; then the power goes.
func syncFails() error {
	w := newWorld()
	a := w.owner(5)
	failed := false
	a.fs = commitlogtest.Wrap(w.disk, func(op commitlogtest.Op, do func() error) error {
		if !failed && op.Kind == "sync" && is("sync", ".staging/tmp-train")(op) {
			failed = true
			return errFault
		}
		return do()
	})
	if err := a.start(); err != nil {
		return err
	}
	err := a.segment(0, 2)
	if !errors.Is(err, errFault) && err != nil {
		return err
	}
	w.disk.Cut()
	w.disk.On(commitlogtest.Keep(0))
	return w.check()
}

func powerSweep() error { return powerLoss(newJob(1, 3, 2), 3) }

// rules maps each rule that can be taken away to the scenario that needs it.
var rules = map[string]func() error{
	"a record is put by check, then rename":                              twoPuts,
	"a data file is not synced":                                          powerSweep,
	"the staging folder is not synced":                                   powerSweep,
	"the parent of a new folder is not synced":                           powerSweep,
	"a record is linked before it is synced":                             powerSweep,
	"the folder of a new record is not synced":                           powerSweep,
	"records are acted on before their folder is synced":                 readThenPowerLoss,
	"a failed sync is tried again":                                       syncFails,
	"a loser deletes its files without comparing":                        twinLoses,
	"a loser deletes files of open positions":                            loserTidiesUp,
	"an unknown answer is taken for a lost position":                     putLandsLate,
	"the collector deletes files of open positions":                      collectorRuns,
	"the collector deletes second copies of committed files":             secondCopies,
	"a segment begins at the first position seen":                        firstRecordIsLater,
	"a partition begins where its owner says":                            twoBeginnings,
	"a segment may be empty":                                             emptySegment,
	"the run record is not checked":                                      twoConfigs,
	"all runs have one id":                                               folderEmptied,
	"attempts share a temporary name":                                    twoAttempts,
	"a file is visible before its record":                                beforeTheRecord,
	"an unfinished run is sealed":                                        sealTooEarly,
	"the name of a prepared record is not synced":                        preparedThenPowerLoss,
	"files that were merged stay":                                        func() error { return mergeSweep(false) },
	"a merge is put by check, then rename":                               twoMergers,
	"files are deleted by merges that were read before they were listed": func() error { return scheduleFolds(19, 3) },
	"what is put at a folded position counts":                            func() error { return foldBehind(3) },
	"a merge counts that is put behind a fold that is gone":              mergeBehind,
	"records go before the fold that stands for them is durable":         foldPower,
}

// TestEveryRuleIsNeeded takes the rules away one at a time: the scenario must notice, and must hold with the rule in place.
func TestEveryRuleIsNeeded(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs every scenario twice; the scenarios themselves have tests of their own")
	}
	for _, rule := range commitlog.Mutants {
		t.Run(rule, func(t *testing.T) {
			scenario := rules[rule]
			if scenario == nil {
				t.Fatal("no scenario needs this rule")
			}
			if err := scenario(); err != nil {
				t.Fatalf("with the rule: %v", err)
			}
			defer commitlog.Mutate(rule)()
			err := scenario()
			if err == nil {
				t.Fatal("nothing broke without the rule")
			}
			t.Log(err)
		})
	}
	if len(rules) != len(commitlog.Mutants) {
		t.Errorf("%d scenarios for %d rules", len(rules), len(commitlog.Mutants))
	}
}
