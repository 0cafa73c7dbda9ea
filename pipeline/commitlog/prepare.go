package commitlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
)

// kindPrepared is the kind of records that were prepared: names in the staging folder that stay while their position is open,
// and are garbage once it is decided (R1), as every temporary name.
const kindPrepared = ".prepared"

// Prepare makes the record of a segment durable without putting it, and returns its token. Nothing is decided by it: where a
// system outside of the folder commits together with the log, that system is told the token in its own transaction, and
// who finds the token there puts the record by CommitPrepared. The files of s are durable in the staging folder.
func (c *Chain) Prepare(ctx context.Context, s Commit) (token string, err error) {
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	r := c.record(s)
	if err := c.checkCommit(&r); err != nil {
		return "", fmt.Errorf("preparing [%d,%d) of partition %s: %w", s.First, s.Next, c.Partition.ID, err)
	}
	data, token, err := encode(&r)
	if err != nil {
		return "", err
	}
	stem := partStem(r.Run, r.Partition, r.First)
	temp := stagingDir + "/" + tempBase(kindCommit, stem, "json") // R13
	if err := writeTemp(c.log.fs, temp, data); err != nil {       // R12: the content before the name
		return "", err
	}
	err = c.log.fs.Rename(temp, preparedFile(stem, token))
	if errors.Is(err, fs.ErrNotExist) { // R13: collected, so the position is decided
		return "", fmt.Errorf("preparing [%d,%d) of partition %s: %w", s.First, s.Next, c.Partition.ID, ErrFenced)
	}
	if err != nil {
		return "", err
	}
	if mutant == mutNoPreparedSync {
		return token, nil
	}
	return token, c.log.fs.SyncDir(stagingDir) // R11: before anything outside names it
}

// CommitPrepared puts the record that was prepared under token at the end of c. Somebody may have put it already: c is
// brought to its end in either case. A token that the folder does not hold is a *DamagedError.
func (c *Chain) CommitPrepared(ctx context.Context, token string) error {
	l, p := c.log, c.Partition
	name := preparedFile(partStem(l.run.ID, p.ID, c.Next), token)
	data, err := readAll(l.fs, name)
	if err != nil {
		return &DamagedError{File: l.fs.Path(name), Cause: "committed outside of the folder, and missing here", Err: err}
	}
	r, err := l.checkRecord(p, c.cur, data)
	if err == nil && r.Hash != token {
		err = errHash
	}
	if err != nil {
		return &DamagedError{File: l.fs.Path(name), Cause: "not the record that was prepared", Err: err}
	}
	return c.Commit(ctx, Commit{First: r.First, Next: r.Next, Files: r.Files, Counts: r.Counts, Bytes: r.Bytes})
}

// IsPrepared tells whether somebody has prepared a record at the end of c.
func (c *Chain) IsPrepared() (bool, error) {
	names, err := c.log.fs.ReadDir(stagingDir)
	if err != nil {
		return false, err
	}
	for _, base := range names {
		s, ok := parseStaged(base)
		if ok && s.temp && s.folder == untag(kindPrepared) && s.run == c.log.run.ID && s.partition == c.Partition.ID && s.first == c.Next {
			return true, nil
		}
	}
	return false, nil
}

func preparedFile(stem, token string) string {
	return stagingDir + "/" + tempPrefix + kindPrepared + "+" + stem + token[:min(16, len(token))] + ".json"
}

// record is that of a segment at the end of c.
func (c *Chain) record(s Commit) Record {
	return Record{Run: c.log.run.ID, Partition: c.Partition.ID, First: s.First, Next: s.Next, Prev: c.cur.prev, Files: s.Files, Counts: s.Counts, Bytes: s.Bytes}
}
