// Package pickle reads Python pickles of the protocols 0 to 5 without executing
// anything that they ask for.
//
// Plain values become plain Go values: nil, bool, int64 or *big.Int, float64,
// string, Bytes, *List, *Tuple, *Dict, *Set. Whatever a pickle would have Python
// import or call becomes a *Global or an *Opaque marker, which stands for the
// result and takes part in nothing. Four callables are known, because plain values
// need them: collections.OrderedDict, collections.defaultdict, dict, and
// _codecs.encode, by which protocols 0 to 2 write bytes.
//
// Invariant: work and memory are proportional to the length of the pickle, and
// bounded by Limits. Nothing recurses, so nesting costs no stack. Values may share
// parts and hold themselves: whoever walks through one has to bound that.
//
// It does not import, does not look into what an opaque value would be, and knows
// neither persistent identities, registered extensions nor out-of-band buffers,
// which plain pickle.loads refuses too.
package pickle
