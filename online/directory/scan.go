package directory

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"ingestor/internal/pattern"
)

// chunk is how many entries of a folder are read at once; one may hold a million.
const chunk = 512

// scan looks through a folder and all below it.
type scan struct {
	root   string // of the source
	filter pattern.Filter
	below  bool                // folders below it, too
	watch  func(folder string) // called before a folder is read, so that nothing new is missed
	found  func([]file) error  // an error ends the scan
	// unreadable hears of folders below top whose files are not seen.
	unreadable func(folder string, err error)

	// partial is the first reason for which something was not seen that may be there.
	partial error
}

// run looks through top and below. An error says that top can not be read, or that
// ctx or found ended it.
func (s *scan) run(ctx context.Context, top string) error {
	folders := []string{top}
	for len(folders) > 0 {
		folder := folders[len(folders)-1]
		folders = folders[:len(folders)-1]
		s.watch(folder)
		more, err := s.folder(ctx, folder, folder == top)
		switch {
		case err == nil:
		case folder == top || ctx.Err() != nil || errors.Is(err, errUnwanted):
			return err
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ELOOP): // gone meanwhile
		default:
			s.unreadable(folder, err)
			if s.partial == nil && !errors.Is(err, fs.ErrPermission) {
				s.partial = err
			}
		}
		if s.below {
			folders = append(folders, more...)
		}
	}
	return nil
}

// errUnwanted ends a scan whose findings nobody takes any more.
var errUnwanted = errors.New("nobody takes the findings")

// folder reads one folder and returns the folders in it.
func (s *scan) folder(ctx context.Context, folder string, top bool) (below []string, err error) {
	flags := os.O_RDONLY | syscall.O_DIRECTORY | syscall.O_NONBLOCK
	if !top || folder != s.root { // the root itself may be a link
		flags |= syscall.O_NOFOLLOW
	}
	f, err := os.OpenFile(folder, flags, 0)
	if err != nil {
		return nil, reason(err)
	}
	defer f.Close()
	var unseen error
	prefix := ""
	if folder != s.root {
		prefix = strings.TrimPrefix(folder, strings.TrimSuffix(s.root, "/")+"/") + "/"
	}
	for {
		entries, err := f.ReadDir(chunk)
		files := make([]file, 0, len(entries))
		for _, e := range entries {
			relative := prefix + e.Name()
			switch {
			case e.IsDir():
				if s.below && s.filter.Folder(relative) {
					below = append(below, filepath.Join(folder, e.Name()))
				}
			case !e.Type().IsRegular() || !s.filter.File(relative):
			default:
				// It may be gone meanwhile, or be replaced.
				if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
					files = append(files, file{filepath.Join(folder, e.Name()), info.Size(), info.ModTime()})
				} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
					unseen = reason(err)
				}
			}
		}
		if len(files) > 0 {
			if err := s.found(files); err != nil {
				return nil, err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return below, unseen
		case err != nil:
			return below, reason(err)
		case ctx.Err() != nil:
			return nil, ctx.Err()
		}
	}
}

// reason is an error without the path, which the reader knows.
func reason(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
