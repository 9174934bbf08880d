package main

import (
	"io"
	"os"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress shows how far a checksum is, on a terminal only, and only for files
// that take long enough to be worth it.
type progress struct {
	out io.Writer // nil: nobody to show it to
	bar *progressbar.ProgressBar
}

// worthShowing is the size from which a bar appears, in bytes.
const worthShowing = 64 << 20

func newProgress(w io.Writer) *progress {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return &progress{}
	}
	return &progress{out: w}
}

// update is called while one file is hashed, by one goroutine.
func (p *progress) update(done, total int64) {
	if p.out == nil || total < worthShowing {
		return
	}
	if p.bar == nil {
		p.bar = progressbar.NewOptions64(total,
			progressbar.OptionSetWriter(p.out), progressbar.OptionSetDescription("checksum"),
			progressbar.OptionShowBytes(true), progressbar.OptionUseANSICodes(true),
			progressbar.OptionSetPredictTime(true), progressbar.OptionThrottle(100_000_000),
			progressbar.OptionClearOnFinish())
	}
	_ = p.bar.Set64(done) // a bar that can not be drawn is no failure
}

// end takes the bar away.
func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Clear()
		p.bar = nil
	}
}
