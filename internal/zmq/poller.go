package zmq

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Poller waits until something changes at one of several sockets, or somebody wakes
// it. All methods but Wake belong to the sockets' goroutine.
type Poller struct {
	sockets []*Socket
	fds     []unix.PollFd // of the waker first, then of the sockets

	mu     sync.Mutex // of the waker, which may come late
	waker  int
	closed bool
}

// NewPoller makes a poller of no sockets. Close it.
func NewPoller() (*Poller, error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("zmq: new poller: %w", err)
	}
	return &Poller{waker: fd, fds: []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}}, nil
}

// Close frees the poller; the sockets are the caller's. A Wake after it does nothing.
func (p *Poller) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	p.closed = true
	if err := unix.Close(p.waker); err != nil {
		return fmt.Errorf("zmq: close poller: %w", err)
	}
	return nil
}

// Add watches a socket too.
func (p *Poller) Add(s *Socket) {
	p.sockets = append(p.sockets, s)
	p.fds = append(p.fds, unix.PollFd{Fd: int32(s.fd), Events: unix.POLLIN})
}

// Remove forgets a socket. It is called before the socket is closed.
func (p *Poller) Remove(s *Socket) {
	if i := slices.Index(p.sockets, s); i >= 0 {
		p.sockets = slices.Delete(p.sockets, i, i+1)
		p.fds = slices.Delete(p.fds, i+1, i+2)
	}
}

// Wake ends a Wait that goes on, or the next one. Any goroutine may call it.
func (p *Poller) Wake() {
	var one [8]byte
	binary.NativeEndian.PutUint64(one[:], 1)
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		_, _ = unix.Write(p.waker, one[:]) // full means awake already
	}
}

// Arm takes in at every socket what has happened, so that its descriptor tells the
// next change only. It costs some system calls a socket: it is for after a Wait that
// came to nothing, because a socket has told of something that nobody wanted.
func (p *Poller) Arm() error {
	for _, s := range p.sockets {
		if _, _, err := s.Events(); err != nil {
			return err
		}
	}
	return nil
}

// Wait returns when a socket may have changed or after a Wake (told), or after the
// time-out; below zero it waits for ever. It may return for nothing. What a socket has
// told already, to a Receive or Send of its own, it does not tell again: a Receive that
// found nothing is what makes the next message end the Wait.
func (p *Poller) Wait(timeout time.Duration) (told bool, err error) {
	ms := -1
	if timeout >= 0 {
		ms = milliseconds(timeout)
	}
	n, err := unix.Poll(p.fds, ms)
	return p.told(n, err)
}

// WaitBriefly is Wait for a goroutine to which every microsecond counts: it keeps its
// processor of the Go scheduler meanwhile, because giving it up and getting it back
// wakes other threads each time, which costs more than a frame. There has to be another
// processor for the other goroutines, and the time-out has to be short: a signal, by
// which the scheduler asks for a stop, ends the wait too.
func (p *Poller) WaitBriefly(timeout time.Duration) (told bool, err error) {
	t := unix.NsecToTimespec(int64(timeout))
	n, _, errno := unix.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&p.fds[0])), uintptr(len(p.fds)),
		uintptr(unsafe.Pointer(&t)), 0, 0, 0)
	if errno != 0 {
		return p.told(-1, errno)
	}
	return p.told(int(n), nil)
}

func (p *Poller) told(n int, err error) (bool, error) {
	if err != nil && !errors.Is(err, unix.EINTR) {
		return false, fmt.Errorf("zmq: poll: %w", err)
	}
	if n <= 0 {
		for i := range p.fds {
			p.fds[i].Revents = 0
		}
		return false, nil
	}
	if p.fds[0].Revents != 0 {
		var b [8]byte
		_, _ = unix.Read(p.waker, b[:]) // nothing there is nothing to do
	}
	return true, nil
}

// Told says whether the last Wait saw the socket tell of something.
func (p *Poller) Told(s *Socket) bool {
	i := slices.Index(p.sockets, s)
	return i >= 0 && p.fds[i+1].Revents != 0
}
