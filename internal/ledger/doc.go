// Package ledger remembers what became of which file, and how far each backfill
// job has come: one SQLite database, ledger.sqlite in the state directory, shared
// by all programs of one machine at the same time. Beside it are the locks of
// retry and of jobs, and the list of files of a run that is under way.
//
// Invariant: a note that was taken survives the end of the process, however it
// ends, and a note is never taken by half. A power cut may lose the last ones
// (the database stays whole): who relies on a note takes its absence for "not
// known", never for "not done".
//
// The format has a number (PRAGMA user_version): an older one is migrated when
// it is opened, a newer one is refused and left as it is. The package does not
// decide what a note means for a file, asks no catalogue, and is of no use on a
// network file system, where processes can not share the index of the log.
package ledger
