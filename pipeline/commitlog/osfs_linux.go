package commitlog

import (
	"os"

	"golang.org/x/sys/unix"
)

// send asks the system to write a part of a file out, and does not wait for it. It promises nothing, nor does an error mean
// anything: what counts is the sync at the end.
func send(f *os.File, at, n int64) {
	_ = unix.SyncFileRange(int(f.Fd()), at, n, unix.SYNC_FILE_RANGE_WRITE)
}
