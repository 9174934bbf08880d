// Package directory is a source of messages for sites without Kafka: it watches a
// folder and announces each file that is finished there, as a file writer would.
//
// A file is finished when its name is among those wanted and its size and time have
// not changed for a while. The kernel tells of most changes at once; a scan of the
// whole folder now and then finds the rest: what other machines wrote over NFS, and
// what was there before the start.
//
// Invariants: what is finished and not acknowledged as ended is delivered, sooner or
// later, whatever events, watches, folders or the ledger fail meanwhile, because all
// that is dropped on the way is found by another scan. Nothing is taken for deleted
// because it can not be seen. Of a file that was dealt with only a hash stays in
// memory; only files on their way, at most 50 000, cost more.
//
// It does not open files to look inside: one that an HDF5 writer still has open
// although it rests is told by the child (exit status 75). Symbolic links are not
// followed, except that the folder itself may be one.
package directory
