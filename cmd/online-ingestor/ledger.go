package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"ingestor/cmd/internal/state"
	"ingestor/internal/fault"
	"ingestor/internal/intake"
	"ingestor/internal/ledger"
	"ingestor/online"
	"ingestor/online/spool"
)

// notebook is the ledger of a daemon that may have to start before its ledger can
// be written: it is opened as soon as that is possible.
type notebook struct {
	dir  string
	of   ledger.Deployment
	mu   sync.Mutex
	open *ledger.Ledger
}

var (
	_ online.Ledger = (*notebook)(nil)
	_ spool.Ledger  = (*notebook)(nil)
)

// openNotebook gives nil where the daemon has to do without a ledger: it is
// damaged, or there is no place for it. One that was written by a newer version
// is an error, as is one that ends ctx; one that may be mended is waited for.
func openNotebook(ctx context.Context, dir string, of ledger.Deployment, log logrus.FieldLogger) (*notebook, error) {
	n := &notebook{dir: dir, of: of}
	err := errors.New("there is no state directory: set ingestion.state_directory, or HOME")
	if dir != "" {
		err = n.Probe(ctx)
	}
	switch {
	case err == nil, errors.Is(err, ledger.ErrNotWritable):
		return n, nil // the daemon tells, and holds
	case fault.KindOf(err) == fault.BadConfiguration, ctx.Err() != nil:
		return nil, err
	}
	log.WithError(err).Error("Going on without ledger: nothing is lost, but what is given up can not be retried from here")
	return nil, nil //nolint:nilnil // nil is the notebook of who has none
}

// opened is the ledger, if it can be opened.
func (n *notebook) opened(ctx context.Context) (*ledger.Ledger, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.open != nil {
		return n.open, nil
	}
	l, err := state.Open(ctx, n.dir, n.of)
	if err == nil {
		n.open = l
	}
	return n.open, err
}

// NoteMessages implements online.Ledger.
func (n *notebook) NoteMessages(ctx context.Context, notes []ledger.MessageNote) error {
	l, err := n.opened(ctx)
	if err != nil {
		return err
	}
	return l.NoteMessages(ctx, notes)
}

// Probe implements online.Ledger.
func (n *notebook) Probe(ctx context.Context) error {
	l, err := n.opened(ctx)
	if err != nil {
		return err
	}
	return l.Probe(ctx)
}

// Prune implements online.Ledger.
func (n *notebook) Prune(ctx context.Context, before time.Time) (int64, error) {
	l, err := n.opened(ctx)
	if err != nil {
		return 0, err
	}
	return l.Prune(ctx, before)
}

// Requests implements spool.Ledger. Before the ledger could be opened there are
// none: the hold tells why.
func (n *notebook) Requests(ctx context.Context, next func(ledger.Request) bool) error {
	l := n.now()
	if l == nil {
		return nil
	}
	return l.Requests(ctx, next)
}

// Message implements spool.Ledger.
func (n *notebook) Message(ctx context.Context, id int64) (e ledger.MessageEntry, known bool, err error) {
	l := n.now()
	if l == nil {
		return e, false, nil
	}
	return l.Message(ctx, id)
}

// now is the ledger if it is open; nil otherwise.
func (n *notebook) now() *ledger.Ledger {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.open
}

// ended says whether a message of a source that finds everything again has ended.
func (n *notebook) ended(ctx context.Context, m intake.Message) (bool, error) {
	l, err := n.opened(ctx)
	if err != nil {
		return false, err
	}
	outcome, _, err := l.Outcome(ctx, m.Source, m.Topic, m.Partition, m.Offset, m.Time)
	return outcome != "", err
}

// Close closes the ledger.
func (n *notebook) Close() error {
	if l := n.now(); l != nil {
		return l.Close()
	}
	return nil
}
