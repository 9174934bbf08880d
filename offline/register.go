package offline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"ingestor/internal/fault"
	"ingestor/internal/ledger"
	"ingestor/internal/outcome"
	"ingestor/scicat"
)

// fileList makes the list of files of a datablock.
type fileList func() ([]scicat.DataFile, error)

// register brings dataset and datablock into the catalogue, or finds that they
// are there, or completes what an earlier run left half done. The file list is
// only made when it is needed.
func (g *Ingestor) register(ctx context.Context, w *work, k known, files fileList) error {
	rep, rec, d := &w.rep, w.rec, w.dataset
	if !g.opt.DryRun {
		release, err := claim(ctx, rep.File, g.log(rep.File))
		if err != nil {
			return err
		}
		defer release()
	}
	pid, there, fresh, err := g.find(ctx, rec, d, k)
	if err != nil {
		return err
	}
	if there {
		rep.PID = pid
		return g.complete(ctx, rep, rec, d, k.blocks, files)
	}
	list, err := files()
	if err != nil {
		return err
	}
	d.Size, d.NumberOfFiles = total(list), len(list)
	block := g.datablock(d, list)
	rep.DatasetBody, rep.DatablockBody, rep.Files, rep.Bytes = &d, &block, len(list), d.Size
	if g.opt.DryRun {
		rep.Outcome = outcome.DryRun
		g.log(rep.File).WithField("pid", d.PID).Info("Dry run mode: nothing is sent")
		return nil
	}
	before, err := rec.begin(ctx, fresh)
	if err != nil {
		return err
	}
	pid, err = g.create(ctx, d)
	if one, again := g.withOneSample(rep.File, d, err); again {
		d = one
		pid, err = g.create(ctx, d)
	}
	switch {
	case errors.Is(err, scicat.ErrExists):
		if scicat.NotDone(err) && before == ledger.Failed {
			// Somebody else has made it; else an attempt of ours may have.
			if err := rec.note(ctx, ledger.Left); err != nil {
				return err
			}
		}
		return g.complete(ctx, rep, rec, d, nil, func() ([]scicat.DataFile, error) { return list, nil })
	case err != nil:
		rec.onFailure = undone(err, before)
		return fmt.Errorf("register the dataset: %w", err)
	case pid == "":
		rec.onFailure = ledger.DatasetMade
		return fault.Errorf(fault.Unavailable, "the catalogue made a dataset but told no pid: its datablock can not be attached")
	}
	g.log(rep.File).WithField("pid", pid).Info("Dataset created successfully")
	rep.PID, block.DatasetID = pid, pid
	return g.attach(ctx, rep, rec, block)
}

// find is the pid of the dataset of a file, and whether there is one. Fresh says
// that the ledger knows of none, or need not be asked: the catalogue has just said
// that there is none.
func (g *Ingestor) find(ctx context.Context, rec *record, d scicat.Dataset, k known) (pid string, there, fresh bool, err error) {
	if k.there {
		return k.pid, true, false, nil
	}
	if k.unlisted && !g.opt.DryRun {
		// A second dataset of this pid would be refused, so it is posted: but for
		// one that an earlier run has begun, and that this account may not read.
		begun, err := rec.begun(ctx)
		if err != nil || !begun {
			return "", false, true, err
		}
	}
	pid, there, err = g.lookFor(ctx, d)
	if err == nil && !there && d.PID == "" {
		pid, there, err = g.lookForUntold(ctx, rec, d)
	}
	return pid, there, g.opt.CheckByPID || d.PID == "", err
}

// create posts the dataset. After an attempt with an unknown outcome the
// catalogue is asked for its pid or, where the catalogue makes the pid, for the
// metadata that tell this file from others.
func (g *Ingestor) create(ctx context.Context, d scicat.Dataset) (string, error) {
	field, known := d.ScientificMetadata[g.opt.MetadataKey]
	if d.PID != "" || !known {
		return g.opt.Catalogue.CreateDataset(ctx, d, nil)
	}
	landed := ""
	pid, err := g.opt.Catalogue.CreateDataset(ctx, d, func(ctx context.Context) (bool, error) {
		pids, err := g.opt.Catalogue.DatasetsByMetadata(ctx, g.opt.MetadataKey, field.Value)
		if err != nil || len(pids) == 0 {
			return false, err
		}
		landed = pids[0]
		return true, nil
	})
	if err == nil && pid == "" {
		pid = landed
	}
	return pid, err
}

// lookFor is the pid of a dataset that is this file's, and whether there is one:
// the catalogue may find one by its metadata and not tell its pid.
func (g *Ingestor) lookFor(ctx context.Context, d scicat.Dataset) (string, bool, error) {
	if g.opt.CheckByPID && d.PID != "" {
		presence, err := g.opt.Catalogue.Dataset(ctx, d.PID)
		if err != nil {
			return "", false, fmt.Errorf("check whether the dataset exists: %w", err)
		}
		if presence != scicat.Absent {
			return d.PID, true, nil
		}
	}
	if !g.opt.CheckByMetadata {
		return "", false, nil
	}
	field, ok := d.ScientificMetadata[g.opt.MetadataKey]
	if !ok {
		g.opt.Log.WithField("key", g.opt.MetadataKey).Info("Dataset has no such scientific metadata: check by metadata skipped")
		return "", false, nil
	}
	pids, err := g.opt.Catalogue.DatasetsByMetadata(ctx, g.opt.MetadataKey, field.Value)
	switch {
	case err != nil:
		return "", false, fmt.Errorf("check whether a dataset with the same %s exists: %w", g.opt.MetadataKey, err)
	case len(pids) == 0:
		return "", false, nil
	case slices.Contains(pids, d.PID):
		return d.PID, true, nil
	}
	return pids[0], true, nil
}

// complete makes sure that an existing dataset has its datablock (D12); seen are
// those that it was seen to have.
func (g *Ingestor) complete(ctx context.Context, rep *Report, rec *record, d scicat.Dataset, seen []string, files fileList) error {
	entry := g.log(rep.File).WithField("pid", rep.PID)
	if rep.PID == "" {
		rep.Outcome = outcome.Existed
		entry.Warn("Dataset already present in SciCat, which does not tell its pid, so it is left as it is")
		return nil
	}
	ids := seen
	var err error
	if len(ids) == 0 {
		ids, err = g.datablocks(ctx, rep.PID)
	}
	switch {
	case errors.Is(err, scicat.ErrUnreadable):
		return g.completeUnseen(ctx, rep, rec, d, files)
	case err != nil:
		return fmt.Errorf("check whether the existing dataset has a datablock: %w", err)
	case len(ids) > 0:
		rep.Outcome, rep.Datablock = outcome.Existed, ids[0]
		entry.Info("Dataset already present in SciCat. Skipping it")
		return rec.registered(ctx)
	}
	list, err := files()
	if err != nil {
		return err
	}
	if !g.opt.DryRun {
		entry.Warn("Dataset already present in SciCat, but without datablock: completing it")
	}
	return g.attachTo(ctx, rep, rec, d, list)
}

// attachTo completes the existing dataset rep.PID.
func (g *Ingestor) attachTo(ctx context.Context, rep *Report, rec *record, d scicat.Dataset, list []scicat.DataFile) error {
	d.PID = rep.PID
	block := g.datablock(d, list)
	rep.DatablockBody, rep.Files, rep.Bytes = &block, len(list), block.Size
	if g.opt.DryRun {
		rep.Outcome = outcome.DryRun
		g.log(rep.File).WithField("pid", rep.PID).Info("Dry run mode: the dataset exists without datablock; nothing is sent")
		return nil
	}
	return g.attach(ctx, rep, rec, block)
}

// datablocks lists the datablocks of a dataset. While there are none, an
// ingestor on another machine may be about to attach one, and the catalogue
// would take ours too: it is given some time.
func (g *Ingestor) datablocks(ctx context.Context, pid string) ([]string, error) {
	ids, err := g.opt.Catalogue.Datablocks(ctx, pid)
	if g.opt.DryRun {
		return ids, err
	}
	for _, pause := range g.opt.RepairPauses {
		if err != nil || len(ids) > 0 {
			break
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		case <-timer.C:
		}
		ids, err = g.opt.Catalogue.Datablocks(ctx, pid)
	}
	return ids, err
}

func (g *Ingestor) datablock(d scicat.Dataset, list []scicat.DataFile) scicat.Datablock {
	return scicat.Datablock{
		DatasetID: d.PID, Size: total(list), ChkAlg: g.opt.Files.Algorithm, DataFileList: list,
		OwnerGroup: d.OwnerGroup, AccessGroups: d.AccessGroups,
	}
}

// attach posts the datablock; with it the file is registered.
func (g *Ingestor) attach(ctx context.Context, rep *Report, rec *record, block scicat.Datablock) error {
	rep.DatablockBody = &block
	if err := rec.note(ctx, ledger.Attaching); err != nil {
		return err
	}
	id, err := g.opt.Catalogue.CreateDatablock(ctx, block, nil)
	if err != nil {
		rec.onFailure = undone(err, ledger.DatasetMade)
	}
	switch {
	case errors.Is(err, scicat.ErrUnreadable):
		// The account may post but not look: that is no reason to distrust it.
		return fault.Errorf(fault.Unavailable, "attach the file list to dataset %s: %w; "+
			"give the account a group that may read what it registers (dataset.default_access_groups)", block.DatasetID, err)
	case err != nil:
		return fmt.Errorf("attach the file list to dataset %s: %w", block.DatasetID, err)
	}
	rep.Outcome, rep.Datablock = outcome.Registered, id
	g.log(rep.File).WithField("pid", rep.PID).WithField("datablock", id).Info("Dataset ingestion successful")
	return rec.note(ctx, ledger.Registered)
}
