// Package online is the daemon: messages in, outcomes out.
//
// Sources deliver messages; each is decoded and decided; files become jobs that
// a bounded pool of offline-ingestor processes works off; each message ends in
// exactly one outcome and is acknowledged exactly once.
//
// Invariants: no message is acknowledged as finished before its file is, its
// dead letter is sent and its note is in the ledger; never more than MaxChildren
// children run; one file is worked on by one child at a time; an outage (exit 69,
// 77, 78, a full disk) ends no message, it holds the intake.
//
// All state belongs to one goroutine, the loop of Run; everything else sends it
// events. The package knows no broker, no catalogue and no HDF5.
package online
