// Package treetest makes trees of data files as they lie on the storage of a
// facility after some years: several instruments, a folder that holds far too
// many files, ties in the modification times, links of every kind, and files
// that are broken or may not be read. 200 000 of them take some ten seconds.
//
// Invariant: but for the modification times, which end at Options.Newest, a
// tree is a pure function of its options, so that what fails can be repeated.
//
// It says what it has made, not what should become of that: tests do.
package treetest
