package online

import (
	"errors"
	"math/rand/v2"
	"time"

	"github.com/sirupsen/logrus"

	"ingestor/internal/children"
	"ingestor/internal/fault"
	"ingestor/internal/intake"
	"ingestor/internal/ledger"
	"ingestor/internal/outcome"
)

var (
	errDryRun      = errors.New("dry run: not finished")
	errInterrupted = errors.New("interrupted: not finished")
)

// finish acts on the end of a child.
func (d *Daemon) finish(j *job) {
	delete(d.running, j)
	result := j.child.Result()
	j.child = nil
	var record outcome.Record
	if len(result.Record) > 0 {
		var err error
		if record, err = outcome.Parse(result.Record); err != nil {
			d.entry(j).WithError(err).Warn("Result record of the offline ingestor is not used")
		}
	}
	v := judge(result, record)
	v.exit, v.stderr = result.ExitCode, result.Stderr
	if d.opt.Attempted != nil {
		d.opt.Attempted(Attempt{OK: v.ok, Class: v.class, Duration: result.Ended.Sub(result.Started)})
	}
	if !v.ok {
		hold := HoldCatalogueDown
		if kind, _ := fault.OfExit(result.ExitCode); kind == fault.BadConfiguration {
			hold = HoldExecutable
		}
		d.fail(j, v, hold)
		return
	}
	d.outageEnds(j)
	end := record.Outcome
	if end != outcome.Existed && end != outcome.DryRun {
		end = outcome.Registered // also what a foreign executable means by 0
	}
	d.entry(j).WithFields(childFields(result)).WithFields(logrus.Fields{
		"outcome": end, "pid": record.PID, "datablock": record.Datablock,
	}).Info("Offline ingestor successful")
	d.worked = time.Now()
	e := d.newEnding(j.message, j.ack, end, intake.DeadLetter{Attempts: j.attempts})
	e.note.JobID, e.note.File, e.note.PID, e.note.Datablock = j.written.JobID, j.written.FileName, record.PID, record.Datablock
	d.end(e)
}

// fail decides what becomes of a job whose attempt failed.
func (d *Daemon) fail(j *job, v verdict, hold Hold) {
	entry := d.entry(j).WithFields(logrus.Fields{"class": v.class.String(), "reason": v.reason})
	if j.message.IsStale() {
		entry.Warn("Offline ingestor failed; the file is left to the daemon that has its partition now")
		d.giveBack(j.ack, errStale)
		return
	}
	if d.stopping && v.class != fault.ClassPermanent {
		// The next daemon gets it again.
		entry.Warn("Offline ingestor failed while stopping; the message stays unfinished")
		d.giveBack(j.ack, errInterrupted)
		return
	}
	if v.class == fault.ClassSystemic {
		j.attempts-- // an outage is no fault of the file
		d.suffer(j, hold, v.reason)
		return
	}
	if v.class == fault.ClassTransient && d.opt.LookAtStorage != nil {
		d.checkStorage(j, v)
		return
	}
	d.count(j, v)
}

// count decides about a failure that is the file's own.
func (d *Daemon) count(j *job, v verdict) {
	entry := d.entry(j).WithFields(logrus.Fields{"class": v.class.String(), "reason": v.reason})
	d.outageEnds(j)
	switch {
	case v.class != fault.ClassPermanent && j.attempts < d.opt.MaxAttempts:
		j.due = time.Now().Add(pause(j.attempts, d.opt.RetryDelay, d.opt.RetryMaxDelay))
		entry.WithField("again_in", time.Until(j.due).Round(time.Millisecond).String()).
			Warn("Offline ingestor failed; trying again later")
		d.postponed = append(d.postponed, j)
		d.remember(j, v)
	default:
		d.giveUp(j, v)
	}
}

// giveUp ends a message whose file can not be ingested.
func (d *Daemon) giveUp(j *job, v verdict) {
	d.entry(j).WithFields(logrus.Fields{"class": v.class.String(), "reason": v.reason, "outcome": outcome.DeadLettered}).
		Error("Offline ingestor failed for good; the file is not in the catalogue")
	letter := intake.DeadLetter{Reason: v.reason, Attempts: j.attempts, Given: time.Now()}
	if v.class == fault.ClassBug {
		letter.Stderr = v.stderr // it may tell what the reason does not
	}
	e := d.newEnding(j.message, j.ack, outcome.DeadLettered, letter)
	e.note = failureNote(j, v)
	e.note.Outcome = string(outcome.DeadLettered)
	// What is given up can be replayed from the ledger.
	e.note.Key, e.note.Value, e.note.Headers = j.message.Key, j.message.Value, j.message.Headers
	d.end(e)
}

// remember notes an attempt that failed and will be repeated.
func (d *Daemon) remember(j *job, v verdict) {
	if d.scribe != nil {
		d.scribe.todo.put(entry{note: failureNote(j, v)})
	}
}

func failureNote(j *job, v verdict) ledger.MessageNote {
	n := noteOf(j.message)
	n.JobID, n.File, n.Attempts = j.written.JobID, j.written.FileName, j.attempts
	n.Error, n.Class, n.Exit, n.Stderr = v.reason, v.class.String(), v.exit, v.stderr
	return n
}

// pause is the time before the attempt after the n-th: doubled each time up to
// longest, and drawn between a half and the whole of that so that files that
// failed together do not come back together.
func pause(n int, first, longest time.Duration) time.Duration {
	d := first
	for range n - 1 {
		if d *= 2; d >= longest {
			d = longest
			break
		}
	}
	d = min(d, longest)
	return d/2 + rand.N(d/2+1)
}

func childFields(r children.Result) logrus.Fields {
	return logrus.Fields{
		"dur": r.Ended.Sub(r.Started).Round(time.Millisecond).String(), "exit": r.ExitCode,
	}
}
