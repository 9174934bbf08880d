//go:build linux

package children

import (
	"io"
	"os"
	"time"
)

// recordLimit is how much of a record is kept; the rest is read and dropped, so
// that the child is not stopped by a full pipe.
const recordLimit = 1 << 20

// outlet is a pipe from a child to us and the goroutine that empties it.
type outlet struct {
	read, write *os.File
	done        chan struct{}
}

func newOutlet() (*outlet, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	return &outlet{read: r, write: w, done: make(chan struct{})}, nil
}

// started gives up our copy of the child's end, so that the end of the child is
// the end of the pipe, and begins to copy to w. flush is called at the end.
func (o *outlet) started(w io.Writer, flush func()) {
	_ = o.write.Close() // nothing of ours was written to it
	go func() {
		defer close(o.done)
		defer flush()
		_, _ = io.Copy(w, o.read) // ends at the end of the pipe or at the deadline of finish
	}()
}

// finish waits until all is read. A process that has left the child's group
// may hold the pipe open for ever: it is heard for no longer than grace.
func (o *outlet) finish(grace time.Duration) {
	_ = o.read.SetReadDeadline(time.Now().Add(grace)) // fails on a closed file only
	<-o.done
	_ = o.read.Close() // only read from
}

// abandon closes both ends of an outlet whose child did not start.
func (o *outlet) abandon() {
	_ = o.read.Close()  // never used
	_ = o.write.Close() // never used
}
