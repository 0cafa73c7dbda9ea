package commitlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"
)

// put is put-if-absent: it returns what stands at name afterwards, ours or another's. temp is a name of this attempt alone.
// After an error the key is undecided; nothing may be deleted for it.
func put(ctx context.Context, fsys FS, name, temp string, data []byte) ([]byte, error) {
	if err := writeTemp(fsys, temp, data); err != nil {
		return nil, err
	}
	defer func() { _ = fsys.Remove(temp) }() // a name of ours alone; where this fails it is garbage once the key is decided
	var err error
	for range 3 {
		if mutant == mutPutByRename || mutant == mutMergeByRename && strings.Contains(name, "/"+mergePrefix) {
			if held, err := readAll(fsys, name); err == nil {
				return held, nil
			}
			err = fsys.Rename(temp, name)
		} else {
			err = fsys.Link(temp, name) // R5: atomic put-if-absent
		}
		if err == nil {
			if mutant == mutNoChainSync {
				return data, nil
			}
			return data, fsys.SyncDir(path.Dir(name)) // R12: the record is durable before anybody acts on it
		}
		if mutant == mutUnknownIsLost && !errors.Is(err, fs.ErrExist) {
			return nil, ErrFenced
		}
		// R5: any answer but success means unknown: read the key, else repeat the same put.
		held, rerr := readKey(ctx, fsys, name, errors.Is(err, fs.ErrExist))
		if rerr == nil && mutant == mutLoserAll {
			return nil, ErrFenced
		}
		if rerr == nil {
			return held, fsys.SyncDir(path.Dir(name)) // R12: it is another's, and may not be durable yet
		}
		if !errors.Is(rerr, fs.ErrNotExist) {
			return nil, errors.Join(err, rerr)
		}
	}
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("%w (the output folder must be on a file system with hard links: without them no record can be put safely)", err)
	}
	return nil, err
}

// readKey reads a record. Where exists says that the key is taken, an absent answer is a stale one: wait and read again.
func readKey(ctx context.Context, fsys FS, name string, exists bool) ([]byte, error) {
	wait := 10 * time.Millisecond
	for {
		data, err := readAll(fsys, name)
		if err == nil || !exists || !errors.Is(err, fs.ErrNotExist) || wait > 2*time.Second {
			return data, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(wait):
		}
		wait *= 2
	}
}

// writeTemp writes a whole file under a temporary name and makes its content durable.
func writeTemp(fsys FS, temp string, data []byte) error {
	f, err := fsys.Create(temp) // R13: fails where the name is taken
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil && mutant != mutNoRecordSync {
		err = f.Sync() // R12: the content before the name; a failed sync ends the attempt
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, fsys.Remove(temp))
	}
	return nil
}
