package dump

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/sys/unix"
)

const (
	// gather is how much is written at once; a frame of straight bytes or more is
	// written from where it lies.
	gather   = 256 << 10
	straight = 32 << 10
	// lookEvery is how often the path is asked for while the dump is busy.
	lookEvery = time.Second
)

// appender writes whole records to the end of a file. After an error it has cut
// off what is no whole record, closed the file, and takes nothing more. It
// belongs to one goroutine.
type appender struct {
	path  string
	log   logrus.FieldLogger
	count *Counters

	file    *os.File
	regular bool        // a file, no device or pipe: it can be cut, and vanish
	info    os.FileInfo // to know it again
	looked  time.Time

	buf  []byte
	at   int64   // bytes of the file; buf comes behind them
	ends []int64 // where the records end that are not in the file yet
	good int64   // where the last whole record in the file ends
	n    uint64  // records in the file that are ours
}

func newAppender(path string, log logrus.FieldLogger, count *Counters) *appender {
	return &appender{path: path, log: log, count: count}
}

// open opens the file, and mends its end.
func (a *appender) open(ctx context.Context) (err error) {
	// Without O_NONBLOCK a pipe that nobody reads would hold us here.
	a.file, err = os.OpenFile(a.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|unix.O_NONBLOCK, 0o666)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.drop())
		}
	}()
	if a.info, err = a.file.Stat(); err != nil {
		return err
	}
	a.looked = time.Now()
	if a.regular = a.info.Mode().IsRegular(); !a.regular {
		return nil
	}
	// Two writers would cut each other's records. Where the storage knows no
	// locks, nobody is refused.
	if err := unix.Flock(int(a.file.Fd()), unix.LOCK_EX|unix.LOCK_NB); errors.Is(err, unix.EWOULDBLOCK) {
		return fmt.Errorf("%s is being written by another ingester: give each its own dump_path", a.path)
	}
	end, err := lastWhole(ctx, a.path, a.info.Size())
	if err != nil {
		return err
	}
	if cut := a.info.Size() - end; cut > 0 {
		if err := a.file.Truncate(end); err != nil {
			return fmt.Errorf("cannot cut off the half record at its end: %w", err)
		}
		a.log.WithField("bytes", cut).Warn("The dump ended in half a record, which a killed program had left: cut off")
	}
	a.at, a.good = end, end
	return nil
}

// record adds one event.
func (a *appender) record(e entry) error {
	a.buf = appendRecord(a.buf, e.event, len(e.parts))
	for _, p := range e.parts {
		n := p.Message.Parts()
		a.buf = appendStream(a.buf, p.Name, p.Typ, n)
		for i := range n {
			frame := p.Message.Part(i)
			a.buf = appendHead(a.buf, majorBytes, uint64(len(frame)))
			if len(frame) < straight {
				a.buf = append(a.buf, frame...)
				continue
			}
			if err := a.flush(); err != nil {
				return err
			}
			if err := a.write(frame); err != nil {
				return err
			}
		}
	}
	a.buf = appendCreated(a.buf, e.created)
	a.ends = append(a.ends, a.at+int64(len(a.buf)))
	if len(a.buf) < gather {
		return nil
	}
	return a.flush()
}

// flush writes what was gathered.
func (a *appender) flush() error {
	if len(a.buf) == 0 {
		return nil
	}
	err := a.write(a.buf)
	a.buf = a.buf[:0]
	if err == nil && time.Since(a.looked) > lookEvery {
		err = a.look()
	}
	return err
}

func (a *appender) write(b []byte) error {
	n, err := a.file.Write(b)
	a.at += int64(n)
	a.settle()
	if err != nil {
		return errors.Join(err, a.cut(), a.drop())
	}
	return nil
}

// settle counts the records that are in the file now.
func (a *appender) settle() {
	done := 0
	for done < len(a.ends) && a.ends[done] <= a.at {
		a.count.Bytes.Add(uint64(a.ends[done] - a.good))
		a.good = a.ends[done]
		done++
	}
	a.n += uint64(done)
	a.count.Records.Add(uint64(done))
	a.ends = append(a.ends[:0], a.ends[done:]...)
}

// cut takes away what is behind the last whole record, if that is ours alone.
func (a *appender) cut() error {
	if !a.regular || a.at == a.good {
		return nil
	}
	info, err := a.file.Stat()
	if err == nil && info.Size() != a.at {
		err = fmt.Errorf("it has %d bytes where we left %d", info.Size(), a.at)
	}
	if err == nil {
		err = a.file.Truncate(a.good)
	}
	if err != nil {
		return fmt.Errorf("cannot cut off the half record at the end of %s: %w", a.path, err)
	}
	return nil
}

// look says whether the file is still the one at its path.
func (a *appender) look() error {
	a.looked = time.Now()
	if !a.regular {
		return nil
	}
	info, err := os.Stat(a.path)
	switch {
	case err == nil && os.SameFile(info, a.info):
		return nil
	case err == nil:
		err = fmt.Errorf("%s is another file by now: somebody replaced it while it was written", a.path)
	}
	return errors.Join(err, a.drop())
}

// close brings everything to the disk. It asks the disk too: a file system of
// the network tells only then that it had no room.
func (a *appender) close() error {
	if a.file == nil {
		return nil
	}
	if err := a.flush(); err != nil {
		return err
	}
	if err := a.look(); err != nil {
		return err
	}
	var err error
	if a.regular {
		err = a.file.Sync()
	}
	return errors.Join(err, a.drop())
}

// drop closes the file, and forgets what was gathered for it.
func (a *appender) drop() error {
	if a.file == nil {
		return nil
	}
	err := a.file.Close()
	a.file, a.buf, a.ends = nil, nil, nil
	return err
}
