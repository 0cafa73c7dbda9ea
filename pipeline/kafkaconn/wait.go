package kafkaconn

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"
	"time"

	"github.com/segmentio/kafka-go/protocol"
)

// Unanswered says whether err is of a connection, or of brokers that are not known yet: it leaves open whether a broker got the
// request, and the same one may succeed later.
func Unanswered(err error) bool {
	for _, sentinel := range []error{io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, net.ErrClosed, context.DeadlineExceeded,
		protocol.ErrNoTopic, protocol.ErrNoPartition, protocol.ErrNoLeader,
		syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE, syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.ETIMEDOUT} {
		if errors.Is(err, sentinel) {
			return true
		}
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return e.IsTemporary || e.IsTimeout
	}
	if e, ok := errors.AsType[net.Error](err); ok {
		return e.Timeout()
	}
	return false
}

// Wait waits for d, or for the end of ctx, whose cause it returns.
func Wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
