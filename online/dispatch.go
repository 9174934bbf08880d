package online

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sirupsen/logrus"

	"ingestor/internal/children"
	"ingestor/internal/fault"
	"ingestor/internal/outcome"
)

// dispatch starts what may start now, and closes the gate while no more files
// are wanted.
func (d *Daemon) dispatch(ctx context.Context) {
	if d.stopping {
		return
	}
	now := time.Now()
	d.postponed = slices.DeleteFunc(d.postponed, func(j *job) bool {
		due := !j.due.After(now)
		if due {
			d.ready = append(d.ready, j)
		}
		return due
	})
	switch {
	case d.gate.held(HoldStorageDown), d.gate.held(HoldDiskFull), d.gate.held(HoldOperator):
		// Without the data every file would fail; without the ledger nobody
		// would know what became of it.
	case d.outage.on():
		d.probe(ctx, now)
	default:
		for len(d.running) < d.opt.MaxChildren {
			j := d.next()
			if j == nil {
				break
			}
			d.start(ctx, j)
			if d.outage.on() {
				break
			}
		}
	}
	full := len(d.running)+len(d.checking)+d.startable()+len(d.outage.parked) >= d.opt.MaxChildren ||
		len(d.postponed)+len(d.ready) >= maxPostponed || len(d.ending) >= maxEnding
	if full && !d.gate.held(HoldPoolFull) {
		d.fullSince = now
	}
	d.hold(HoldPoolFull, full, "")
	// What ends waits for a topic or for the ledger, which has a hold of its own.
	d.hold(HoldDeadLetter, len(d.ending) >= maxEnding && d.letterFails, "dead letters can not be sent")
}

// maxPostponed bounds how many files wait for another attempt, or for one that is
// being worked on: beyond it something general is wrong, and taking in more would
// help nobody.
const maxPostponed = 1000

// startable is how many files only wait for a child. Those which wait for the end of
// another attempt on the same file take no room: one that hangs would hold up all.
func (d *Daemon) startable() (n int) {
	for _, j := range d.ready {
		if !d.busy(j.written.FileName) {
			n++
		}
	}
	return n
}

// next takes the first job whose file no child is working on. Two children on
// one file could both find it unregistered.
func (d *Daemon) next() *job {
	i := slices.IndexFunc(d.ready, func(j *job) bool { return !d.busy(j.written.FileName) })
	if i < 0 {
		return nil
	}
	j := d.ready[i]
	d.ready = slices.Delete(d.ready, i, i+1)
	return j
}

func (d *Daemon) busy(file string) bool {
	for r := range d.running {
		if filepath.Clean(r.written.FileName) == filepath.Clean(file) {
			return true
		}
	}
	return false
}

// start begins one attempt. Ctx does not end with a stop, which lets children
// finish.
func (d *Daemon) start(ctx context.Context, j *job) {
	j.attempts++
	j.started = time.Now()
	if d.opt.MessageFile.Write && !d.opt.DryRun {
		d.prepare(ctx, j)
		return
	}
	d.launch(ctx, j, "")
}

// launch starts the child; messageFile is "" where there is none.
func (d *Daemon) launch(ctx context.Context, j *job, messageFile string) {
	entry := d.entry(j)
	argv := slices.Concat(d.opt.Executable, []string{"-c", d.opt.ConfigFile, "--nexus-file", j.written.FileName})
	if messageFile != "" {
		argv = append(argv, "--done-writing-message-file", messageFile)
	}
	argv = append(argv, d.opt.Arguments...)
	entry.WithField("command", argv).Info("Command to be run")
	if d.opt.DryRun {
		// Nothing is acknowledged: a dry run leaves the messages to the
		// daemon that is to ingest them.
		d.giveBack(j.ack, errDryRun)
		return
	}
	child, err := d.opt.Children.Start(ctx, children.Command{
		Argv: argv, Env: d.environment(), Timeout: d.opt.ChildTimeout, ResultFDVariable: outcome.ResultFD,
		Line: func(line string) { passOn(entry, line) },
	})
	if err != nil {
		d.fail(j, verdict{class: fault.KindOf(err).Class(), reason: err.Error()}, HoldExecutable)
		return
	}
	j.child = child
	d.running[j] = struct{}{}
	go func() {
		<-child.Done()
		d.finished <- j
	}()
}

func (d *Daemon) environment() []string {
	if d.opt.Environment == nil {
		return nil
	}
	return d.opt.Environment()
}

// passOn logs a line of a child. Warnings are what a curator should see; an
// error is in the outcome anyway, and the rest is for whoever looks closer.
func passOn(entry logrus.FieldLogger, line string) {
	entry = entry.WithField("line", line)
	if strings.Contains(line, " - WARNING - ") {
		entry.Warn("Offline ingestor says")
		return
	}
	entry.Debug("Offline ingestor says")
}

// entry is the log with what identifies a job.
func (d *Daemon) entry(j *job) *logrus.Entry {
	return d.log.WithFields(logrus.Fields{
		"job_id": j.written.JobID, "file": j.written.FileName, "attempt": j.attempts,
		"topic": j.message.Topic, "partition": j.message.Partition, "offset": j.message.Offset,
	})
}

// untilDue is how long the loop may sleep before a job becomes due.
func (d *Daemon) untilDue() time.Duration {
	wait := time.Hour
	for _, j := range d.postponed {
		wait = min(wait, time.Until(j.due))
	}
	if d.nextProbe() >= 0 {
		wait = min(wait, time.Until(d.outage.next))
	}
	return max(wait, 0)
}
