package offline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"ingestor/scicat"
)

// known is what the catalogue said of the dataset of a file when it was asked
// about many, before the file was claimed; nothing where it was not asked.
type known struct {
	// there says that there is one, pid which; "" when that was not told.
	there bool
	pid   string
	// blocks are its datablocks, those that were seen.
	blocks []string
	// unlisted says that there is none with its own pid, which must not be
	// empty, or with its metadata, that the account may read.
	unlisted bool
}

// complete says that nothing is left to do.
func (k known) complete() bool { return k.there && len(k.blocks) > 0 }

// askAll asks the catalogue about the datasets of many files. What it does not
// tell is left to the questions about each.
//
// Datasets are asked for by their pid even where the configuration does not want
// that: it spares the POST that would be refused, and ends the same.
func (g *Ingestor) askAll(ctx context.Context, works []*work) error {
	for _, w := range works {
		w.known = known{}
	}
	pids := collect(works, func(w *work) string { return w.dataset.PID })
	var listed map[string]bool
	all, err := g.inBulk(ctx, "which datasets exist", pids, func() (err error) {
		listed, err = g.opt.Catalogue.Datasets(ctx, pids)
		return err
	})
	if err != nil {
		return err
	}
	for _, w := range works {
		switch pid := w.dataset.PID; {
		case listed[pid] && pid != "":
			w.known = known{there: true, pid: pid}
		default:
			w.known.unlisted = all && pid != ""
		}
	}
	if err := g.askByMetadata(ctx, works); err != nil {
		return err
	}
	return g.askDatablocks(ctx, works)
}

// askByMetadata looks for datasets with the same metadata as those that were not
// found by their pid.
func (g *Ingestor) askByMetadata(ctx context.Context, works []*work) error {
	if !g.opt.CheckByMetadata {
		return nil
	}
	value := func(w *work) string {
		if w.known.there {
			return ""
		}
		s, _ := w.dataset.ScientificMetadata[g.opt.MetadataKey].Value.(string)
		return s
	}
	values := collect(works, value)
	var found map[string][]string
	all, err := g.inBulk(ctx, "which datasets have the same "+g.opt.MetadataKey, values, func() (err error) {
		found, err = g.opt.Catalogue.DatasetsByMetadataValues(ctx, g.opt.MetadataKey, values)
		return err
	})
	if err != nil {
		return err
	}
	times := map[string]int{}
	for _, w := range works {
		times[value(w)]++
	}
	for _, w := range works {
		v := value(w)
		_, has := w.dataset.ScientificMetadata[g.opt.MetadataKey]
		switch pids := found[v]; {
		case w.known.there || !has:
		case v != "" && slices.Contains(pids, w.dataset.PID):
			w.known = known{there: true, pid: w.dataset.PID}
		case v != "" && len(pids) > 0:
			w.known = known{there: true, pid: pids[0]}
		case v == "" || times[v] > 1 || !all:
			// A copy in the same batch may be registered before it.
			w.known.unlisted = false
		}
	}
	return nil
}

// askDatablocks looks for the datablocks of those datasets that were found.
func (g *Ingestor) askDatablocks(ctx context.Context, works []*work) error {
	pids := collect(works, func(w *work) string { return w.known.pid })
	_, err := g.inBulk(ctx, "which datasets have a datablock", pids, func() error {
		blocks, err := g.opt.Catalogue.DatablocksOf(ctx, pids)
		for _, w := range works {
			w.known.blocks = blocks[w.known.pid]
		}
		return err
	})
	return err
}

// collect gives what is not empty of each.
func collect(works []*work, of func(*work) string) []string {
	var texts []string
	for _, w := range works {
		if s := of(w); s != "" {
			texts = append(texts, s)
		}
	}
	return texts
}

// refusals are the questions about many that are not asked again.
type refusals struct {
	mu   sync.Mutex
	what map[string]bool
}

// inBulk asks a question about many, unless there is nothing to ask or the
// catalogue has shown that it does not answer. The error concerns all files.
func (g *Ingestor) inBulk(ctx context.Context, what string, about []string, ask func() error) (answered bool, err error) {
	if len(about) == 0 {
		return true, nil
	}
	g.refused.mu.Lock()
	off := g.refused.what[what]
	g.refused.mu.Unlock()
	if off {
		return false, nil
	}
	err = ask()
	switch {
	case err == nil:
		return true, nil
	case ctx.Err() != nil || !errors.Is(err, scicat.ErrNoBulk):
		return false, fmt.Errorf("ask the catalogue %s: %w", what, err)
	}
	g.refused.mu.Lock()
	defer g.refused.mu.Unlock()
	if g.refused.what == nil {
		g.refused.what = map[string]bool{}
	}
	g.refused.what[what] = true
	g.opt.Log.WithField("question", what).WithError(err).Warn("Each file is asked about by itself, which takes longer")
	return false, nil
}
