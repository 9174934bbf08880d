package nexus

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"

	"gonum.org/v1/hdf5"

	"ingestor/internal/fault"
)

// DefaultMaxBytes is the memory that one value may take unless
// OpenOptions.MaxBytes says otherwise: metadata is small, and 32 Mi numbers are
// beyond what a catalogue takes.
const DefaultMaxBytes = 256 << 20

// DefaultTimeLimit is what one call may take unless OpenOptions.TimeLimit says
// otherwise: a slow storage delivers DefaultMaxBytes sooner.
const DefaultTimeLimit = time.Minute

// accessSWMRRead is H5F_ACC_SWMR_READ, which gonum lacks: a reader beside a
// single writer.
const accessSWMRRead = 0x40

// OpenOptions tells how to open a file.
type OpenOptions struct {
	// RetryDelays are the pauses between tries: n delays make n+1 tries. A
	// file is tried again when it is absent, locked, empty, truncated or not
	// HDF5, because its writer may not be done; not when it is no regular
	// file or we may not read it.
	RetryDelays []time.Duration
	// MaxBytes bounds the memory that one value takes; 0 is DefaultMaxBytes.
	MaxBytes int64
	// TimeLimit bounds each call: libhdf5 can loop on a corrupt file. 0 is
	// DefaultTimeLimit, less is none.
	TimeLimit time.Duration
}

// Open opens a file for reading. Its errors are of the kinds fault.Busy for a
// file that is absent (fs.ErrNotExist stays in the chain) or that another
// program has open for writing, fault.Unavailable for a storage that fails, and
// fault.BadInput for all else. The end of ctx ends the waiting between tries, and a
// read of the opened file that does not come back soon.
func Open(ctx context.Context, path string, o OpenOptions) (*File, error) {
	for try := 0; ; try++ {
		f, err := open(ctx, path, o)
		if err == nil {
			return f, nil
		}
		if try >= len(o.RetryDelays) || !mayPass(err) {
			if try > 0 {
				err = fmt.Errorf("%w (tried %d times)", err, try+1)
			}
			return nil, err
		}
		if e := pause(ctx, o.RetryDelays[try]); e != nil {
			if errors.Is(e, context.DeadlineExceeded) {
				e = fault.New(fault.KindOf(err), e)
			}
			return nil, fmt.Errorf("%w while waiting for a file: %w", e, err)
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return ctx.Err()
	}
}

// errLasting marks what waiting does not mend.
var errLasting = errors.New("not a file that can be read")

func mayPass(err error) bool {
	return !errors.Is(err, errLasting) && !errors.Is(err, fs.ErrPermission)
}

// open tries once.
func open(ctx context.Context, path string, o OpenOptions) (*File, error) {
	// libhdf5 would wait for ever on a pipe and says little about the rest.
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, systemError(path, err)
	case info.IsDir():
		return nil, fault.New(fault.BadInput, lasting(fmt.Errorf("open %s: is a directory, not an HDF5 file", path)))
	case !info.Mode().IsRegular():
		return nil, fault.New(fault.BadInput, lasting(fmt.Errorf("open %s: is not a regular file", path)))
	case info.Size() == 0:
		return nil, fault.Errorf(fault.BadInput, "open %s: is empty, not an HDF5 file", path)
	}
	f := &File{ctx: ctx, path: path, maxBytes: o.MaxBytes, limit: o.TimeLimit}
	if f.maxBytes <= 0 {
		f.maxBytes = DefaultMaxBytes
	}
	if f.limit == 0 {
		f.limit = DefaultTimeLimit
	}
	var cause *libraryError
	var failing error
	err = section{ctx: ctx, limit: f.limit, file: path}.run(func() error {
		if f.file, cause = openLibrary(path, hdf5.F_ACC_RDONLY); cause != nil && writerMark(cause) {
			// The mark is the same for a SWMR writer, beside which we may
			// read, and for any other; libhdf5 tells them apart by this flag.
			var e *libraryError
			if f.file, e = openLibrary(path, hdf5.F_ACC_RDONLY|accessSWMRRead); e == nil {
				cause = nil
			}
		}
		if cause != nil {
			failing = storageFailure()
		}
		return nil
	})
	switch {
	case errors.Is(err, ErrBroken):
		return nil, lasting(err)
	case failing != nil:
		return nil, fault.Errorf(fault.Unavailable, "open %s: %w", path, failing)
	case err != nil:
		return nil, fmt.Errorf("open %s: %w", path, err)
	case cause != nil:
		return nil, openError(path, cause)
	}
	return f, nil
}

func openLibrary(path string, flags int) (*hdf5.File, *libraryError) {
	f, err := hdf5.OpenFile(path, flags)
	if err != nil {
		return nil, lastError()
	}
	return f, nil
}

// writerMark tells that the file says a writer has it open, living or crashed.
func writerMark(err *libraryError) bool { return strings.Contains(err.text, "already open for") }

// openError finds the kind of libhdf5's failure to open a file that was there.
func openError(path string, cause *libraryError) error {
	// The system refused, or it is gone meanwhile: libhdf5 looks at the name once
	// more after opening it. Go tells that in fewer words.
	f, err := os.Open(path)
	if err != nil {
		return systemError(path, err)
	}
	if err := f.Close(); err != nil {
		return systemError(path, err)
	}
	switch text := cause.text; {
	case strings.Contains(text, "unable to lock"):
		if strings.Contains(text, fmt.Sprintf("errno = %d,", syscall.EAGAIN)) {
			return fault.Errorf(fault.Busy, "open %s: another program has it open for writing", path)
		}
		return fault.Errorf(fault.Unavailable, "open %s: its storage takes no locks, HDF5_USE_FILE_LOCKING=FALSE does without: %w", path, cause)
	case writerMark(cause):
		return fault.Errorf(fault.Busy, "open %s: a writer has it open or ended without closing it: %w", path, cause)
	case strings.Contains(text, "file signature"):
		return fault.Errorf(fault.BadInput, "open %s: is not an HDF5 file (no HDF5 signature)", path)
	case strings.Contains(text, "truncated file"):
		var there, base, wanted int64
		_, rest, _ := strings.Cut(text, "truncated file: ")
		if n, _ := fmt.Sscanf(rest, "eof = %d, sblock->base_addr = %d, stored_eof = %d", &there, &base, &wanted); n == 3 {
			return fault.Errorf(fault.BadInput, "open %s: is truncated: %d of %d bytes are there (is its writer done?)", path, there, base+wanted)
		}
	}
	return fault.Errorf(fault.BadInput, "open %s: %w", path, cause)
}

// systemError is the operating system's refusal.
func systemError(path string, err error) error {
	var e *fs.PathError
	if errors.As(err, &e) {
		err = e.Err // the message names the path itself
	}
	return fault.Errorf(fault.OfSystem(err), "open %s: %w", path, err)
}

// lastingError keeps its text and adds the mark errLasting.
type lastingError struct{ error }

func lasting(err error) error { return lastingError{err} }

func (e lastingError) Unwrap() error { return e.error }

func (lastingError) Is(target error) bool { return target == errLasting }
