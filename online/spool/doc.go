// Package spool is the source of messages that somebody asked to try again: it
// delivers dead-lettered messages from the ledger as their own source delivered
// them.
//
// Invariant: one process of a deployment and machine delivers them at a time, and a request is
// delivered once in a run, whatever becomes of it. What ends a request is the
// note of how the message ended, so one that was not ended is delivered by the
// next run.
//
// It asks for nothing itself (`offline-ingestor retry` does), and writes nothing
// to the ledger.
package spool
