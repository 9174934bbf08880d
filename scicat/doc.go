// Package scicat is the client of the SciCat catalogue's HTTP API, as far as an
// ingestor needs it: does a dataset exist, register a dataset and its files,
// look something up, is the token good.
//
// Invariant: a dataset or a datablock is never posted again while an earlier
// attempt may have been carried out, unless somebody looked in between; an
// absence is never concluded from an answer that a stale token would get too; and
// a login that was refused is not tried on and on.
//
// Errors carry a kind of package fault, are one line, and never hold a token, a
// password or a configured header. The package keeps no state but its pooled
// connections, the token of a login and the last one that was found good, nothing
// of it on disk; it does not decide which
// dataset belongs to which file, and it does not know metadata schemas.
package scicat
