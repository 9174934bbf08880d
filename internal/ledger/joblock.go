package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"ingestor/internal/fault"
)

// Holder is who has the lock of a job, as far as it has said so.
type Holder struct {
	Host    string    `json:"host"`
	PID     int       `json:"pid"`
	Since   time.Time `json:"since"`
	Command string    `json:"command"`
}

// JobHeldError says that another run of the job is at it.
type JobHeldError struct {
	Job    string
	Holder Holder // zero where it could not be read
}

func (e *JobHeldError) Error() string {
	if e.Holder.PID == 0 {
		return fmt.Sprintf("another run of job %q holds its lock", e.Job)
	}
	return fmt.Sprintf("another run of job %q holds its lock: process %d on %s since %s (%s)",
		e.Job, e.Holder.PID, e.Holder.Host, e.Holder.Since.Format(time.RFC3339), e.Holder.Command)
}

// jobLockPause is between two looks at a lock that another process has.
const jobLockPause = 100 * time.Millisecond

// LockJob takes the lock of a job of a deployment for a command, and waits for it
// up to wait. The lock ends with unlock, or with the process, however that ends;
// what a dead process has left in its file blocks nobody. The error is a
// *JobHeldError, of kind Busy, where another has it; the context's where that
// ended; else of kind Unavailable.
func LockJob(ctx context.Context, dir string, d Deployment, job, command string, wait time.Duration) (unlock func() error, err error) {
	path := JobFile(dir, d, job, "lock")
	if err := makeDirectory(path); err != nil {
		return nil, err
	}
	over := time.NewTimer(wait)
	defer over.Stop()
	again := time.NewTicker(jobLockPause)
	defer again.Stop()
	for {
		file, err := tryJobLock(path, job)
		if err == nil {
			sign(file, command)
			return func() error { return releaseJob(file, job) }, nil
		}
		var held *JobHeldError
		if !errors.As(err, &held) || wait <= 0 {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the lock of job %q: %w", job, ctx.Err())
		case <-over.C:
			return nil, err
		case <-again.C:
		}
	}
}

// tryJobLock takes the lock, or says at once who has it.
func tryJobLock(path, job string) (*os.File, error) {
	file, err := openLock(path)
	if err != nil {
		return nil, fault.Errorf(fault.Unavailable, "open the lock of job %q: %w", job, err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer file.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fault.Errorf(fault.Unavailable, "take the lock %s of job %q: %w", path, job, err)
		}
		held := &JobHeldError{Job: job}
		if err := json.NewDecoder(io.LimitReader(file, 4096)).Decode(&held.Holder); err != nil {
			held.Holder = Holder{} // it is about to say so
		}
		return nil, fault.New(fault.Busy, held)
	}
	if k := (&RetryLock{file: file, path: path}); !k.Valid() { // it was taken away between the two steps
		return nil, fault.New(fault.Busy, errors.Join(&JobHeldError{Job: job}, file.Close()))
	}
	return file, nil
}

// sign says who has the lock: for people only, so a full disk is no hindrance.
func sign(file *os.File, command string) {
	host, err := os.Hostname()
	if err != nil {
		host = "this host"
	}
	line, err := json.Marshal(Holder{Host: host, PID: os.Getpid(), Since: time.Now().Truncate(time.Second), Command: command})
	if err == nil && file.Truncate(0) == nil {
		_, _ = file.WriteAt(append(line, '\n'), 0)
	}
}

// releaseJob gives the lock back. The file stays: another may wait for it.
func releaseJob(file *os.File, job string) error {
	_ = file.Truncate(0) // a holder that is named wrongly would mislead
	if err := file.Close(); err != nil {
		return fmt.Errorf("give back the lock of job %q: %w", job, err)
	}
	return nil
}
