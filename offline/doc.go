// Package offline turns one data file into one dataset of the catalogue: open,
// select a schema, evaluate it, build dataset and datablock, check, register,
// report.
//
// Invariant: however often and wherever it is interrupted, running it again on
// the same file ends with exactly one dataset that has exactly one datablock.
// What makes that true: the pid is a function of the file, the catalogue
// refuses a second dataset of one pid, and a datablock is only posted after
// the catalogue said that there is none. Where the account may not ask that,
// or only the catalogue knows the pid, the ledger says what earlier runs did.
// What nobody can know, such as a datablock whose POST was cut off and that the
// account may not see, is left alone and told: never two.
//
// Of many files it makes the datasets first and asks the catalogue about all of
// them at once. Only that something is there is believed then without a second
// look; that something is not, only where the catalogue would refuse it twice.
//
// It starts no processes and keeps no state between files but the ledger, if it
// is given one, and for the time of a batch what it has looked up.
package offline
