package offline

import (
	"context"
	"errors"

	"ingestor/internal/fault"
	"ingestor/internal/ledger"
	"ingestor/internal/outcome"
	"ingestor/scicat"
)

// completeUnseen is complete for an account that may not see whether the dataset
// has a datablock: the ledger decides (D12). Only what it knows to be without is
// completed; the catalogue would take a second datablock.
func (g *Ingestor) completeUnseen(ctx context.Context, rep *Report, rec *record, d scicat.Dataset, files fileList) error {
	entry := g.log(rep.File).WithField("pid", rep.PID)
	if g.opt.DryRun {
		rep.Outcome = outcome.Existed
		entry.Warn("Dataset already present in SciCat; this account may not see whether it has a datablock, and a dry run does not ask the ledger")
		return nil
	}
	fate, err := rec.fate(ctx)
	if err != nil {
		return err
	}
	const advice = "; give the account a group that may read what it registers (dataset.default_access_groups)"
	switch fate {
	case incomplete:
		list, err := files()
		if err != nil {
			return err
		}
		entry.Warn("Dataset made by an earlier run of this file, without datablock: completing it")
		return g.attachTo(ctx, rep, rec, d, list)
	case complete:
		rep.Outcome = outcome.Existed
		entry.Info("Dataset already present in SciCat, registered by this machine. Skipping it")
		return nil
	case doubtful:
		rep.Outcome = outcome.Existed
		entry.Warn("Dataset made by an earlier run of this file, which never learnt whether its datablock was taken; " +
			"this account may not look, so it is left as it is" + advice)
		return nil
	}
	rep.Outcome = outcome.Existed
	entry.Warn("Dataset already present in SciCat; this account may not see whether it has a datablock, so it is left as it is")
	return rec.note(ctx, ledger.Left)
}

// lookForUntold looks for the dataset of a file whose pid the catalogue makes,
// once more than lookFor: an earlier run may have made one that this account can
// not find.
func (g *Ingestor) lookForUntold(ctx context.Context, rec *record, d scicat.Dataset) (pid string, there bool, err error) {
	before, known, err := rec.before(ctx)
	if err != nil || !known {
		return "", false, err
	}
	switch {
	case before.PID != "":
		presence, err := g.opt.Catalogue.Dataset(ctx, before.PID)
		// One that was deleted since is made anew.
		return before.PID, err == nil && presence != scicat.Absent, err
	case before.State != ledger.Registering && before.State != ledger.DatasetMade:
		return "", false, nil
	}
	field, canLook := d.ScientificMetadata[g.opt.MetadataKey]
	if canLook && !g.opt.CheckByMetadata {
		pids, err := g.opt.Catalogue.DatasetsByMetadata(ctx, g.opt.MetadataKey, field.Value)
		if err != nil || len(pids) > 0 {
			return first(pids), err == nil, err
		}
	}
	if canLook && before.State == ledger.Registering {
		return "", false, nil // looked for, here or by lookFor
	}
	const advice = "look for it in the catalogue, and complete or delete it; if there is none, touch the file and run again"
	if before.State == ledger.Registering {
		return "", false, fault.Errorf(fault.BadInput, "an earlier run may have made its dataset, under a pid that the catalogue chose "+
			"and did not tell: "+advice)
	}
	return "", false, fault.Errorf(fault.BadInput, "an earlier run made its dataset, under a pid that the catalogue did not tell: "+advice)
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// undone is how a file stands after a POST that failed: as before where it
// surely did nothing, else in the state that was noted before it.
func undone(err error, before ledger.State) ledger.State {
	switch {
	case errors.Is(err, scicat.ErrNoPID):
		return ledger.DatasetMade
	case scicat.NotDone(err):
		return before
	}
	return ""
}
