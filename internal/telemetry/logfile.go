package telemetry

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/sirupsen/logrus"
)

// rotationCheck is how often the path is compared with the file that is open.
const rotationCheck = time.Second

// fileSink appends lines to a file that other processes append to as well; it never
// truncates. When the file is moved away or removed, as by logrotate, it makes a new one.
type fileSink struct {
	path    string
	format  lineFormatter
	file    *os.File
	checked time.Time
	torn    bool // the last write may have left part of a line
}

func (s *fileSink) encode(e *logrus.Entry) ([]byte, error) { return s.format.Format(e) }

func (s *fileSink) write(records [][]byte) error {
	if err := s.open(); err != nil {
		return err
	}
	lines := bytes.Join(records, nil)
	if s.torn {
		lines = append([]byte{'\n'}, lines...)
	}
	// One write: with O_APPEND the lines of several processes do not mix.
	n, err := s.file.Write(lines)
	s.torn = err != nil && (n > 0 || s.torn)
	return err
}

// open makes sure that the file is the one at the path.
func (s *fileSink) open() error {
	if s.file != nil && time.Since(s.checked) >= rotationCheck {
		s.checked = time.Now()
		if moved, err := s.moved(); err == nil && moved {
			err = s.file.Close()
			s.file, s.torn = nil, false
			if err != nil {
				return err
			}
		}
	}
	if s.file != nil {
		return nil
	}
	f, err := os.OpenFile(s.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	s.file, s.checked = f, time.Now()
	return nil
}

func (s *fileSink) moved() (bool, error) {
	now, err := os.Stat(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	open, err := s.file.Stat()
	return err == nil && !os.SameFile(now, open), err
}

func (s *fileSink) close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}
