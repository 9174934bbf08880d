package online

import (
	"fmt"

	"ingestor/internal/children"
	"ingestor/internal/fault"
	"ingestor/internal/outcome"
)

// judge turns the end of a child into a verdict. The exit code decides; the
// record, where the child wrote one, only explains.
func judge(r children.Result, record outcome.Record) verdict {
	why := func() string { return explain(r, record) }
	switch {
	case r.ExitCode == 0:
		return verdict{ok: true} // also when the time limit fired at the last moment
	case r.TimedOut:
		return verdict{class: fault.ClassBug, reason: "exceeded the time limit of a child: " + why()}
	case r.Signal != 0:
		return verdict{class: fault.ClassBug, reason: fmt.Sprintf("killed by signal %d (%s): %s", int(r.Signal), r.Signal, why())}
	}
	kind, _ := fault.OfExit(r.ExitCode)
	class := kind.Class()
	if kind == fault.Usage {
		// The command line is ours and the same for every file but the
		// name: not the file's fault for sure, so it is tried again.
		class = fault.ClassBug
	}
	return verdict{class: class, reason: fmt.Sprintf("exit %d (%s): %s", r.ExitCode, kind, why())}
}

// explain is the record's error, else the last line the child wrote.
func explain(r children.Result, record outcome.Record) string {
	if record.Error != "" {
		return record.Error
	}
	return r.LastLine()
}
