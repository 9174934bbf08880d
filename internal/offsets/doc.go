// Package offsets tells how far a log may be committed when its messages finish
// in any order.
//
// A Book holds one list of unfinished messages per partition and assignment.
// When a message finishes that is not the oldest one, its stretch of the log
// joins that of its predecessor; when the oldest finishes, the mark moves to
// the end of its stretch. So memory goes with the number of unfinished
// messages, not with the distance between them, and each step takes constant
// time. Offsets may have gaps (compaction, transactions, control records).
//
// Invariants: the mark never passes an unfinished offset, and never goes back
// within an assignment; a ticket of an earlier assignment has no effect.
//
// It does not commit, knows no broker, and sets no bound on what is unfinished:
// holding the intake is the caller's part.
package offsets
