package offline

import (
	"context"
	"sync"

	"github.com/sirupsen/logrus"

	"ingestor/internal/fault"
	"ingestor/internal/ledger"
)

// Ledger is what an ingestor remembers between its runs.
type Ledger interface {
	Take(ctx context.Context, n ledger.Note) error
	OfFile(ctx context.Context, f ledger.File) (e ledger.Entry, known bool, err error)
	OfPID(ctx context.Context, pid string) ([]ledger.Entry, error)
}

var _ Ledger = (*ledger.Ledger)(nil)

// notebook is the ledger as an ingestor uses it: opened when it is first needed,
// and done without, with one warning, from the moment it fails.
type notebook struct {
	open func(context.Context) (Ledger, error)
	log  logrus.FieldLogger

	mu     sync.Mutex
	ledger Ledger
	off    bool
}

// use does something with the ledger. The error is of kind BadConfiguration: a
// ledger that is there and must not be passed over. It is not done at all where
// there is no ledger.
func (n *notebook) use(ctx context.Context, do func(context.Context, Ledger) error) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.off || n.open == nil {
		return nil
	}
	// What has happened is noted also when we are being stopped.
	ctx = context.WithoutCancel(ctx)
	var err error
	if n.ledger == nil {
		n.ledger, err = n.open(ctx)
	}
	if err == nil {
		err = do(ctx, n.ledger)
	}
	switch {
	case err == nil:
	case fault.KindOf(err) == fault.BadConfiguration:
		return err
	default:
		n.off = true
		n.log.WithError(err).Warn("Going on without ledger: files are registered all the same, but one that is left half done, " +
			"by an account that may not read it, is not completed later")
	}
	return nil
}
