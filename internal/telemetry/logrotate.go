package telemetry

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// rotationCalm is the pause after a rotation that failed.
const rotationCalm = time.Minute

// rotate puts the file aside when more bytes would make it too large, and makes
// a new one. One of the processes that share it does so, under a lock on the file
// itself: whoever gets the lock later finds another file at the path. What is still
// written to the old one is kept with it. A rotation that fails is said once in a
// while; lines are worth more than a small file.
func (s *fileSink) rotate(more int64) error {
	if s.most <= 0 || time.Now().Before(s.calm) {
		return nil
	}
	info, err := s.file.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 || info.Size()+more <= s.most {
		return err
	}
	if err := s.putAside(); err != nil {
		s.calm = time.Now().Add(rotationCalm)
		if s.log != nil {
			s.log.WithError(err).Warn("The log file is not put aside and goes on growing")
		}
		return nil
	}
	if err := s.close(); err != nil {
		return err
	}
	return s.open()
}

// putAside renames the file at the path, if it is still the one that is open.
func (s *fileSink) putAside() error {
	if err := flock(s.file, unix.LOCK_EX); err != nil {
		return fmt.Errorf("lock %s: %w", s.path, err)
	}
	// Closing the file would unlock it, but not for those who fail half-way.
	defer func() { _ = flock(s.file, unix.LOCK_UN) }()
	if moved, err := s.moved(); err != nil || moved {
		return err // somebody else was faster
	}
	if s.keep < 1 {
		return os.Remove(s.path)
	}
	for n := s.keep - 1; n >= 1; n-- {
		if err := os.Rename(s.aside(n), s.aside(n+1)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return os.Rename(s.path, s.aside(1))
}

// aside is the name of an older file; 1 is the youngest.
func (s *fileSink) aside(n int) string { return fmt.Sprintf("%s.%d", s.path, n) }

// flock waits for a lock that others hold for some renames only.
func flock(f *os.File, how int) error {
	for {
		err := unix.Flock(int(f.Fd()), how)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
