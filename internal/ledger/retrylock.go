package ledger

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"ingestor/internal/fault"
)

// RetryLock is held by the one process of a deployment that tries dead-lettered
// messages again. It ends with the process.
type RetryLock struct {
	file *os.File
	path string
}

// HeldError says that another process has the lock.
type HeldError struct {
	// Program and PID are who has it, as far as it has said so: "" and 0
	// otherwise.
	Program string
	PID     int
}

func (e *HeldError) Error() string {
	if e.PID == 0 {
		return "another process tries messages again"
	}
	return fmt.Sprintf("process %d (%s) tries messages again", e.PID, e.Program)
}

// LockRetries takes the lock at a RetryLockFile for a program, or says at once who has it, by a
// *HeldError. Other errors are of kind Unavailable.
func LockRetries(path, program string) (*RetryLock, error) {
	file, err := openLock(path)
	if err != nil {
		return nil, fault.Errorf(fault.Unavailable, "open the lock of retries: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer file.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fault.Errorf(fault.Unavailable, "take the lock of retries %s: %w", path, err)
		}
		return nil, holder(file)
	}
	k := &RetryLock{file: file, path: path}
	if !k.Valid() { // it was taken away between the two steps
		return nil, errors.Join(&HeldError{}, k.Release())
	}
	// For people only, so a full disk is no hindrance.
	if file.Truncate(0) == nil {
		_, _ = fmt.Fprintf(file, "%d %s\n", os.Getpid(), program)
	}
	return k, nil
}

// openLock opens the file, and makes it where it is missing. What root makes
// belongs to the owner of the directory: the daemon needs it too.
func openLock(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if !errors.Is(err, fs.ErrNotExist) {
		return file, err
	}
	if file, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o640); err != nil {
		return nil, err
	}
	err = giveToOwner(file)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// giveToOwner gives a file that root has made to the owner of its directory.
func giveToOwner(file *os.File) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(filepath.Dir(file.Name()))
	if err != nil {
		return nil //nolint:nilerr // it stays root's
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return file.Chown(int(st.Uid), int(st.Gid))
	}
	return nil
}

// holder says who has the lock.
func holder(file *os.File) error {
	held := &HeldError{}
	text, err := io.ReadAll(io.LimitReader(file, 200))
	if err != nil {
		return held
	}
	if _, err := fmt.Sscanf(string(text), "%d %s", &held.PID, &held.Program); err != nil {
		return &HeldError{}
	}
	return held
}

// Valid says that the lock is still the one that others would ask for: its file
// was not moved away or deleted.
func (k *RetryLock) Valid() bool {
	ours, err := k.file.Stat()
	if err != nil {
		return false
	}
	theirs, err := os.Stat(k.path)
	return err == nil && os.SameFile(ours, theirs)
}

// Release gives the lock back. The file stays: another may wait for it.
func (k *RetryLock) Release() error {
	_ = k.file.Truncate(0) // a holder that is named wrongly would mislead
	if err := k.file.Close(); err != nil {
		return fmt.Errorf("give back the lock of retries: %w", err)
	}
	return nil
}
