// Package nexus reads NeXus/HDF5 files: their groups, datasets, attributes and
// links, each value with the type that it has in the file.
//
// gonum.org/v1/hdf5 opens files, groups and datasets; what it lacks or gets
// wrong (values, attributes, listings, error text, silence) is in one cgo file,
// libhdf5.go, over the thin C of shim.h. No C type leaves that file.
//
// Invariants: every call into libhdf5, gonum's included, runs within Exclusive,
// hence one at a time, on a locked OS thread, with libhdf5's printing of errors
// off; every id that a method opens is closed when it returns, so that an open
// File holds exactly one id. What is read into memory is bounded by
// OpenOptions.MaxBytes.
//
// It does not write files, interpret NeXus classes or convert values to
// metadata. It can not survive a crash of libhdf5 on a corrupt file: whoever
// must go on reads in a child process with a time limit.
//
//	f, err := nexus.Open(ctx, "run.nxs", nexus.OpenOptions{})
//	...
//	defer f.Close()
//	title, err := f.Read("/entry/title")
//	unit, err := f.Attr("/entry/sample/temperature", "units")
package nexus
