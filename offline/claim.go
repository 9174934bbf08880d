package offline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/sirupsen/logrus"

	"ingestor/internal/fault"
)

// claimPause keeps two waiting ingestors from spinning.
const claimPause = 5 * time.Millisecond

// claim waits until no other ingestor on this machine registers the same file,
// and keeps others out until release. The catalogue refuses a second dataset
// of one pid, but takes any number of datablocks: two ingestors that both find
// a dataset without one would both attach it.
//
// The claim is a name in the kernel's table of sockets, which is gone when its
// process is, however that ends. Where there is no such table the file is not
// claimed: what remains then is RepairPauses, as between two machines.
func claim(ctx context.Context, path string, log logrus.FieldLogger) (release func(), err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fault.Errorf(fault.Busy, "look at the data file: %w", err)
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return func() {}, nil
	}
	name := fmt.Sprintf("@ingestor-file-%x-%x", st.Dev, st.Ino)
	for told := false; ; told = true {
		var config net.ListenConfig
		l, err := config.Listen(ctx, "unix", name)
		if err == nil {
			return func() { _ = l.Close() }, nil // nothing is left to do about a failure
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("wait for another ingestor of the same file: %w", ctx.Err())
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			log.WithError(err).Debug("File is not claimed")
			return func() {}, nil
		}
		if !told {
			log.Info("Another ingestor registers the same file: waiting for it")
		}
		if err := awaitEnd(ctx, name); err != nil {
			return nil, err
		}
	}
}

// awaitEnd returns soon after the holder of a claim has let go of it.
func awaitEnd(ctx context.Context, name string) error {
	var dialer net.Dialer
	if conn, err := dialer.DialContext(ctx, "unix", name); err == nil {
		// Nobody answers: the connection breaks when the holder ends.
		stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
		_, _ = io.Copy(io.Discard, conn)
		stop()
		_ = conn.Close()
	}
	timer := time.NewTimer(claimPause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return fmt.Errorf("wait for another ingestor of the same file: %w", ctx.Err())
	case <-timer.C:
		return nil
	}
}
