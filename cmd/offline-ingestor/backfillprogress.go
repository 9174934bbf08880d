package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/term"

	"ingestor/offline/backfill"
)

// runProgress shows how far a run is, in one line of a terminal.
type runProgress struct {
	out   io.Writer // nil: nobody to show it to
	width func() int
	start time.Time // of the second part
	base  backfill.Progress

	mu    sync.Mutex
	shown bool
}

func newRunProgress(w io.Writer) *runProgress {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return &runProgress{}
	}
	return &runProgress{out: w, width: func() int {
		width, _, err := term.GetSize(int(f.Fd()))
		if err != nil {
			return 0
		}
		return width
	}}
}

// clearLine goes to the beginning of the line and empties it.
const clearLine = "\r\x1b[K"

// update is called by one goroutine, some times a second.
func (p *runProgress) update(now backfill.Progress) {
	if p.out == nil {
		return
	}
	if !now.Looking && p.start.IsZero() {
		p.start, p.base = time.Now(), now
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown = !now.Over; now.Over {
		fmt.Fprintf(p.out, "%s", clearLine)
		return
	}
	fmt.Fprintf(p.out, "%s", clearLine+cutLine(progressLine(now, p.base, time.Since(p.start)), p.width()))
}

// cutLine keeps a text within one line of a terminal, for clearLine takes one away;
// 0 is a width that is not known.
func cutLine(text string, width int) string {
	if width > 0 && len(text) >= width {
		return text[:width-1]
	}
	return text
}

// progressLine is how far a run is, in words.
func progressLine(now, base backfill.Progress, since time.Duration) string {
	if now.Looking {
		return fmt.Sprintf("looking: %d files found", now.Total)
	}
	text := fmt.Sprintf("%d of %d files", now.Done, now.Total)
	if now.Total > 0 {
		text += fmt.Sprintf(" (%d %%)", 100*now.Done/now.Total)
	}
	if now.Tried > 0 {
		text += fmt.Sprintf(", %.1f a second, %s", float64(now.Tried)/max(since.Seconds(), 0.1), backfill.Size(now.Bytes))
	}
	if done := now.Done - base.Done; done > 0 && since > time.Second && now.Done < now.Total {
		left := time.Duration(float64(since) / float64(done) * float64(now.Total-now.Done))
		text += ", " + left.Round(time.Second).String() + " left"
	}
	if now.Failed > 0 {
		text += fmt.Sprintf(", %d failed", now.Failed)
	}
	return text
}

// Levels and Fire make it a hook of the log, which takes the line away before
// another is written in its place.
func (p *runProgress) Levels() []logrus.Level { return logrus.AllLevels }

// Fire is called before each line of the log.
func (p *runProgress) Fire(*logrus.Entry) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		fmt.Fprintf(p.out, "%s", clearLine)
		p.shown = false
	}
	return nil
}
