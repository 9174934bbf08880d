package offline

import (
	"context"
	"os"
	"path/filepath"
	"sync"
)

// ahead is the checksum of a file that is to be ingested next, begun while
// another one is at work.
type ahead struct {
	info   os.FileInfo // when it began
	sums   chan sums
	cancel context.CancelFunc
}

// aheads are the checksums under way, by absolute path.
type aheads struct {
	mu    sync.Mutex
	files map[string]*ahead
}

// Ahead begins the checksum of a file that is to be ingested soon, so that two
// processors hash two files. Ingest takes it over if the file is the same then;
// ctx ends it. A file that can not be read yet is left to Ingest.
func (g *Ingestor) Ahead(ctx context.Context, path string) {
	key, err := filepath.Abs(path)
	if err != nil || !g.opt.Files.Hash {
		return
	}
	info, err := os.Stat(key)
	if err != nil || !info.Mode().IsRegular() {
		return
	}
	g.ahead.mu.Lock()
	defer g.ahead.mu.Unlock()
	if g.ahead.files[key] != nil {
		return
	}
	if g.ahead.files == nil {
		g.ahead.files = map[string]*ahead{}
	}
	ctx, cancel := context.WithCancel(ctx)
	a := &ahead{info: info, sums: make(chan sums, 1), cancel: cancel}
	g.ahead.files[key] = a
	go func() {
		var s sums
		s.data, s.err = hashFile(ctx, key, g.opt.Files.Algorithm, nil)
		a.sums <- s
	}()
}

// begun is the checksum of a file where one was begun ahead and the file has
// not changed since; "" leaves the work to the caller.
func (g *Ingestor) begun(ctx context.Context, path string) string {
	key, err := filepath.Abs(path)
	if err != nil {
		return ""
	}
	g.ahead.mu.Lock()
	a := g.ahead.files[key]
	delete(g.ahead.files, key)
	g.ahead.mu.Unlock()
	if a == nil {
		return ""
	}
	defer a.cancel()
	if !unchanged(key, a.info) {
		return ""
	}
	select {
	case <-ctx.Done():
		return ""
	case s := <-a.sums:
		if s.err != nil || !unchanged(key, a.info) {
			return ""
		}
		return s.data
	}
}

func unchanged(path string, before os.FileInfo) bool {
	now, err := os.Stat(path)
	return err == nil && os.SameFile(now, before) && now.Size() == before.Size() && now.ModTime().Equal(before.ModTime())
}
