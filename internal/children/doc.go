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
// When our own process dies, however it dies, its children and their groups are
// killed within seconds, without the help of a service manager.
//
// Two things see to that last promise. The kernel kills the children themselves
// (the parent-death signal). It ties that signal to the thread that started the
// child, not to the process, and Go moves goroutines between threads and ends
// threads; so all children are started by the goroutine of Run, which stays on
// one locked thread until the last of them is reaped. What the children have
// started is killed by a guardian: a shell in a session of its own, which hears
// through a pipe which groups there are, and kills them when the pipe ends. It
// is told of the end of a group before the leader is reaped, so it never holds a
// number that may be anybody's. It is no child of ours: who counts those counts
// what was asked for. A guardian that ends or hangs is replaced. The first process
// of a container has none and needs none.
//
// What escapes is a process that has left the group of its child (setsid, or the
// job control of a shell), at the normal end of the child as well as at the
// death of ours; under systemd the control group of the unit ends it. And were
// both we and the guardian killed at once, then what children have started would
// go on, as it would if we were killed in the microseconds between the start of
// a child and the word to the guardian, had the child started something by then.
//
// The package does not limit how many children run, and does not judge how they
// end. It is for Linux.
package children
