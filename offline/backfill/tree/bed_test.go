package tree

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ingestor/internal/ledger"
)

// bed is a folder with files, and what walks through it have found.
type bed struct {
	t    *testing.T
	dir  string
	opt  Options
	disk storage
	got  []ledger.File
}

// newBed makes a folder. Files are an hour old where a test does not say.
func newBed(t *testing.T) *bed {
	dir := t.TempDir()
	return &bed{t: t, dir: dir, disk: disk{}, opt: Options{Roots: []string{dir}, Include: []string{"*.hdf"}, Now: time.Now(), MinAge: time.Minute}}
}

func (b *bed) path(name string) string { return filepath.Join(b.dir, name) }

func (b *bed) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// write makes files, with their folders.
func (b *bed) write(names ...string) *bed {
	b.t.Helper()
	for _, name := range names {
		b.at(name, b.opt.Now.Add(-time.Hour))
	}
	return b
}

// at makes a file that was last written then.
func (b *bed) at(name string, then time.Time) {
	b.t.Helper()
	b.must(os.MkdirAll(filepath.Dir(b.path(name)), 0o755))
	b.must(os.WriteFile(b.path(name), []byte(name), 0o644))
	b.must(os.Chtimes(b.path(name), then, then))
}

// walk walks; the files found are in b.got.
func (b *bed) walk(ctx context.Context) (Stats, error) {
	b.got = nil
	return walk(ctx, b.disk, b.opt, func(files []ledger.File) error {
		b.got = append(b.got, files...)
		return nil
	})
}

// names are the files found, below the folder.
func (b *bed) names() string {
	var names []string
	for _, f := range b.got {
		names = append(names, strings.TrimPrefix(f.Path, b.dir+"/"))
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// wants walks and wants these files, by name, with spaces between.
func (b *bed) wants(names string) Stats {
	b.t.Helper()
	s, err := b.walk(b.t.Context())
	b.must(err)
	words := strings.Fields(names)
	slices.Sort(words)
	if want := strings.Join(words, " "); b.names() != want {
		b.t.Errorf("found %s, want %s; %+v", b.names(), want, s)
	}
	var bytes int64
	for _, f := range b.got {
		bytes += f.Size
	}
	if s.Files != int64(len(b.got)) || s.Bytes != bytes {
		b.t.Errorf("counted %d of %d bytes, found %d of %d", s.Files, s.Bytes, len(b.got), bytes)
	}
	return s
}
