package offline

import (
	"context"
	"fmt"
	"os"
	"time"

	"ingestor/internal/fault"
	"ingestor/scicat"
)

// What is kept of a batch at a time: so many files, or fewer where their datasets
// are large.
const (
	pieceFiles = 50
	pieceBytes = 16 << 20 // of JSON
)

// trustKnown is for how long it is believed that there is no dataset with the same
// metadata: two files with those, of different pids, the catalogue would take. The
// checksums of fifty large files take hours.
const trustKnown = 5 * time.Second

// IngestAll registers files, one after the other, as Ingest does, but asks the
// catalogue about many of them at once. Begin hears of a file whenever work on it
// starts, which is twice for most: when it is read, and when it is registered;
// the last one of which it heard is the one at work. Each hears what became of
// it, and why it failed; a file that is not done is left out. Both are called
// from the goroutine of the caller.
//
// The error is what concerns all files, or the end of ctx, and ends the batch.
func (g *Ingestor) IngestAll(ctx context.Context, files []string, begin func(file string), each func(Report, error)) error {
	for len(files) > 0 {
		p := &piece{g: g, begin: begin, each: each, trust: trustKnown}
		n, err := p.read(ctx, files)
		if err == nil {
			err = p.register(ctx)
		}
		if err != nil {
			return err
		}
		files = files[n:]
	}
	return nil
}

// piece is as much of a batch as is kept at a time.
type piece struct {
	g     *Ingestor
	begin func(string)
	each  func(Report, error)
	works []*work // those that are to be registered
	size  int
	trust time.Duration // trustKnown, but for tests
}

// read makes the datasets of the first files, and tells how many those are.
func (p *piece) read(ctx context.Context, files []string) (n int, err error) {
	lookups := p.g.opt.Catalogue.Lookups()
	for ; n < min(len(files), pieceFiles) && p.size < pieceBytes; n++ {
		if err := context.Cause(ctx); err != nil {
			return n, err
		}
		p.begin(files[n])
		w := p.g.start(files[n])
		size, err := p.readOne(ctx, w, lookups)
		if err != nil {
			if err := p.over(ctx, w, err); err != nil {
				return n, err
			}
		} else {
			w.spent = time.Since(w.began)
			p.works, p.size = append(p.works, w), p.size+size
		}
		lookups = lookups.Next()
	}
	return n, nil
}

// readOne makes the dataset of one file, and gives its size.
func (p *piece) readOne(ctx context.Context, w *work, lookups *scicat.Lookups) (size int, err error) {
	// Before it is read: what changes later is seen.
	if w.info, err = os.Stat(w.rep.File); err != nil {
		w.info = nil // opening it says why, or tries again
	}
	file, err := p.g.open(ctx, w)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	if err := p.g.evaluate(ctx, w, file, lookups); err != nil {
		return 0, err
	}
	body, err := w.dataset.Encode()
	return len(body), err
}

// over tells of a file that is done, or gives what concerns all.
func (p *piece) over(ctx context.Context, w *work, err error) error {
	rep, err := w.ended(ctx, err)
	return p.tell(ctx, rep, err)
}

func (p *piece) tell(ctx context.Context, rep Report, err error) error {
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return cause // what failed because we were stopped says nothing of the file
	}
	if err != nil {
		switch fault.KindOf(err).Class() {
		case fault.ClassSystemic, fault.ClassInterrupted:
			return fmt.Errorf("%s: %w", rep.File, err)
		}
	}
	p.each(rep, err)
	return nil
}

// register registers what was read.
func (p *piece) register(ctx context.Context) error {
	hashing, stop := context.WithCancel(ctx)
	defer stop()
	var asked time.Time
	for i, w := range p.works {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if time.Since(asked) > p.trust {
			if err := p.g.askAll(ctx, p.works[i:]); err != nil {
				if cause := context.Cause(ctx); cause != nil {
					return cause
				}
				return err
			}
			asked = time.Now()
		}
		p.begin(w.rep.File)
		if i+1 < len(p.works) && !p.works[i+1].known.complete() {
			p.g.Ahead(hashing, p.works[i+1].rep.File)
		}
		if err := p.registerOne(ctx, w); err != nil {
			return err
		}
		p.works[i] = nil // it may be large
	}
	return nil
}

func (p *piece) registerOne(ctx context.Context, w *work) error {
	if w.info == nil || !unchanged(w.rep.File, w.info) {
		rep, err := p.g.Ingest(ctx, w.rep.File, "")
		return p.tell(ctx, rep, err)
	}
	w.began = time.Now()
	return p.over(ctx, w, p.g.register(ctx, w, w.known, func() ([]scicat.DataFile, error) {
		return p.g.fileList(w, "", p.g.hashInBackground(ctx, w.rep.File, ""))
	}))
}
