// Package tree finds the files of folders, for a backfill.
//
// A walk streams: a folder is read in pieces, files go on in batches, and only the
// names of folders still to be read and the numbers of those that were stay in memory.
//
// Invariants: each folder is read once, by whatever paths it can be reached; each file
// that was there before the walk began, and stays, is handed on or counted with the
// reason why not. A walk that ends without error has looked at folders that were there
// from beginning to end: a share that is not mounted, or goes away in the middle, is a
// *RootGone, never a folder without files.
//
// It opens no files, follows no links but a root that is one, and knows nothing of
// what became of a file before.
package tree
