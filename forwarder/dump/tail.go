package dump

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// lastWhole is where the last whole record of a file ends: at its end, unless a
// program was killed while it wrote. What ends like a record is taken for whole
// after a look at a few bytes; only else the file is gone through, from frame
// to frame. A file that is no dump is an error: nothing is to be added to it.
func lastWhole(ctx context.Context, path string, size int64) (int64, error) {
	if size == 0 {
		return 0, nil
	}
	f, err := os.Open(path)
	if errors.Is(err, os.ErrPermission) {
		return size, nil // ours to write, not to read
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	tail := make([]byte, min(size, int64(longestEnd)))
	if _, err := f.ReadAt(tail, size-int64(len(tail))); err != nil {
		return 0, fmt.Errorf("cannot read the end of %s: %w", path, err)
	}
	if endsRecord(tail) {
		return size, nil
	}
	r := NewReader(f)
	for ctx.Err() == nil {
		_, err := r.Outline(0)
		var bad *FormatError
		switch {
		case errors.Is(err, io.EOF):
			return size, nil
		case errors.As(err, &bad) && bad.Torn:
			return bad.Offset, nil
		case err != nil:
			return 0, fmt.Errorf("nothing is added to %s, which is no dump: %w", path, err)
		}
	}
	return 0, ctx.Err()
}
