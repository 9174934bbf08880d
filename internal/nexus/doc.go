// Package nexus reads NeXus/HDF5 files: their groups, datasets, attributes and
// links, each value with the type that it has in the file.
//
// gonum.org/v1/hdf5 opens files, groups and datasets; what it lacks or gets
// wrong (values, attributes, listings, error text, silence) is in one cgo file,
// libhdf5.go, over the thin C of shim.h. No C type leaves that file.
//
// Invariants: every call into libhdf5, gonum's included, runs within Exclusive or
// a File's method, hence one at a time, on a locked OS thread, with libhdf5's
// printing of errors off; every id that a method opens is closed when it returns,
// so that an open File holds exactly one id. What is read into memory is bounded
// by OpenOptions.MaxBytes.
//
// libhdf5 crashes and loops on some corrupt files, one in six of those with 80
// changed bytes. So each call runs in a goroutine of its own (1 µs), and the
// caller waits for it. A crash parks its thread for ever in a signal handler
// (crash.c), which works inside of gonum's calls too, needs no lock that the
// crash may have left held, and leaves faults of Go code to Go; the caller sees
// it within 5 ms. A call beyond OpenOptions.TimeLimit, or 0.5 s after the context
// of Open has ended, is left to itself. Either way the caller gets an error that
// names file and object and wraps ErrBroken, and libhdf5 is not called again by
// this process, whose Go part is whole: it says what is wrong and ends. A child
// for each file would be safer still against what a crash does to the memory
// before it happens, and cost as much time as all the reading.
//
// Memory that libhdf5 destroyed may also show when it has returned, in Go or in
// the C library: then the process ends as from a bug, with Go's trace (seen once
// in some thousand damaged files). To the daemon that is an outcome like others.
//
// The C library may print a line of its own before it aborts over a heap that
// libhdf5 destroyed (one crash in fifty). A thread that the system holds, as on a
// dead NFS server, is left behind like one that loops; but it has used no
// processor time, so the storage is at fault (Unavailable), not the file.
//
// It does not write files, interpret NeXus classes or convert values to
// metadata.
//
//	f, err := nexus.Open(ctx, "run.nxs", nexus.OpenOptions{})
//	...
//	defer f.Close()
//	title, err := f.Read("/entry/title")
//	unit, err := f.Attr("/entry/sample/temperature", "units")
package nexus
