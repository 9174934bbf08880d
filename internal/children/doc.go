// Package children starts programs, watches them, and ends them.
//
// Each child gets a process group of its own, so that a signal reaches what the
// child itself has started. Its end is noticed at once; what is left of its
// group is killed then, and the child is reaped. The last part of its stderr
// and the record that it writes on an inherited pipe are kept.
//
// Invariants: once Runner.Run has returned nil, no child, no group of a child
// and no descriptor is left. A signal only ever goes to a process that is still
// ours: a number that the system may have given to somebody else is not used.
// When our own process dies, however it dies, its children are killed by the
// kernel.
//
// The kernel ties that last promise (the parent-death signal) to the thread
// that started the child, not to the process. Go moves goroutines between
// threads and ends threads, and with them would end children in the midst of
// their work. So all children are started by the goroutine of Run, which stays
// on one locked thread until the last of them is reaped.
//
// Two things escape: a process that leaves the group of its child (setsid), and
// after a death of ours by SIGKILL the processes that a child has started,
// since the signal goes to the child alone. A wrapper script should therefore
// exec its program; under systemd the control group of the unit ends them all.
//
// The package does not limit how many children run, and does not judge how they
// end. It is for Linux.
package children
