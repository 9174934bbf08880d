// Package backfill finds the files of some folders that were never registered,
// and has them registered or announced, the oldest first.
//
// Invariant: a file that was in the folders when a run looked is dealt with, or
// is looked at again by the next run; however and whenever a run ends. What is
// done is known from the ledger, which workers write as they go, so a run that
// repeats what another began does nothing twice. The state of a job (a mark in
// the order of modification time and path, and when it was last looked at all)
// only saves looking things up: without it the next run takes longer and does
// the same.
//
// The mark never passes a file that is not dealt with, and the time of the last
// look is only noted when the look was complete and everything it found was
// tried. What is dealt with: registered, failed for good, or announced and
// acknowledged.
//
// Decisions about single files stand in policy.go and nowhere else. The package
// reads no data files and asks no catalogue: its Workers do, in processes of
// their own, so that a file on which the reader crashes costs a process and not
// the run.
package backfill
