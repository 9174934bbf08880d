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

const (
	// tornPatience is the patience of a program's log file.
	tornPatience = 250 * time.Millisecond
	tornLook     = 5 * time.Millisecond
)

// fileSink appends lines to a file that other processes append to as well; it never
// truncates. When the file is moved away or removed, by one of them or by logrotate,
// it makes a new one.
type fileSink struct {
	path   string
	format lineFormatter
	most   int64 // bytes of a file; 0 = any
	keep   int   // how many older files
	// patience is how long another process may take for one write.
	patience time.Duration
	log      logrus.FieldLogger

	file    *os.File
	checked time.Time
	// calm is the end of the pause after a rotation that failed.
	calm time.Time
}

func (s *fileSink) encode(e *logrus.Entry) ([]byte, error) { return s.format.Format(e) }

func (s *fileSink) write(records [][]byte) (int, error) {
	if err := s.open(); err != nil {
		return 0, err
	}
	lines := bytes.Join(records, nil)
	if err := s.rotate(int64(len(lines))); err != nil {
		return 0, err
	}
	torn, err := s.torn()
	if err != nil {
		return 0, err
	}
	if torn {
		lines = append([]byte{'\n'}, lines...)
	}
	// One write: with O_APPEND the lines of several processes do not mix.
	n, err := s.file.Write(lines)
	if err == nil {
		return len(records), nil
	}
	if torn {
		n--
	}
	whole := 0
	for ; whole < len(records) && n >= len(records[whole]); whole++ {
		n -= len(records[whole])
	}
	return whole, err
}

// torn says that the file ends within a line, which a full disk or the death of a
// process can leave. For a moment it also looks so while another process writes: the
// file grows page by page. Such a line is complete soon, so it is looked at again.
func (s *fileSink) torn() (bool, error) {
	within, err := s.endsWithinLine()
	if err != nil || !within {
		return false, err
	}
	patience := time.NewTimer(s.patience)
	defer patience.Stop()
	look := time.NewTicker(tornLook)
	defer look.Stop()
	for within && err == nil {
		select {
		case <-patience.C:
			return true, nil
		case <-look.C:
			within, err = s.endsWithinLine()
		}
	}
	return false, err
}

func (s *fileSink) endsWithinLine() (bool, error) {
	info, err := s.file.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return false, err
	}
	var last [1]byte
	if _, err := s.file.ReadAt(last[:], info.Size()-1); err != nil {
		return false, nil //nolint:nilerr // somebody has just truncated it: no line is torn
	}
	return last[0] != '\n', nil
}

// open makes sure that the file is the one at the path.
func (s *fileSink) open() error {
	if s.file != nil && time.Since(s.checked) >= rotationCheck {
		s.checked = time.Now()
		if moved, err := s.moved(); err == nil && moved {
			if err := s.close(); err != nil {
				return err
			}
		}
	}
	if s.file != nil {
		return nil
	}
	f, err := os.OpenFile(s.path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o644)
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
	err := s.file.Close()
	s.file = nil
	return err
}
