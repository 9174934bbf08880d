// Package scicattest is a working catalogue in memory, for tests and for the
// demo: an http.Handler that behaves as SciCat's backend 4.5.0 was seen to
// behave, down to its error bodies, its permissions and its traps (anonymous
// answers to stale tokens, date-like filters that match nothing, datablocks
// without uniqueness).
//
// Invariant: the recorded requests in testdata/pairs.jsonl get the recorded
// answers; the contract test lists every pair that does not and says why.
//
// Not there: version 4 of the API (404), attachments, jobs, published data,
// full-text search, facets, and anything on disk. The page on / shows all that
// is stored to whoever asks, so the server listens on the loopback only.
package scicattest
