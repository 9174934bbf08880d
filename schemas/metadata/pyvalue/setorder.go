package pyvalue

import (
	"math/big"
)

// orderSet puts a set of integers into the order in which CPython walks its
// hash table. Sets of other elements keep their own order: that of texts is
// random in Python.
func orderSet(s Set) Set {
	table := &hashTable{entries: make([]*hashEntry, 8)}
	for _, e := range s {
		i, ok := e.(Int)
		if !ok {
			return s
		}
		table.add(&hashEntry{hashInt(i), i})
	}
	ordered := make(Set, 0, len(s))
	for _, e := range table.entries {
		if e != nil {
			ordered = append(ordered, e.value)
		}
	}
	return ordered
}

// hashInt is hash() of an integer: the rest modulo 2^61-1, with its sign.
func hashInt(i Int) uint64 {
	modulus := big.NewInt(1<<61 - 1)
	rest := new(big.Int).Rem(i.Big(), modulus).Int64()
	if rest == -1 {
		rest = -2
	}
	return uint64(rest)
}

type hashEntry struct {
	hash  uint64
	value Value
}

// hashTable is the open addressing of CPython's set: a few neighbours are
// tried, then a jump is made that all bits of the hash have a part in.
type hashTable struct {
	entries []*hashEntry
	used    int
}

const neighbours = 9

func (t *hashTable) add(e *hashEntry) {
	t.insert(e)
	t.used++
	if t.used*5 < (len(t.entries)-1)*3 {
		return
	}
	wanted := t.used * 4
	if t.used > 50_000 {
		wanted = t.used * 2
	}
	size := 8
	for size <= wanted {
		size *= 2
	}
	old := t.entries
	t.entries = make([]*hashEntry, size)
	for _, e := range old {
		if e != nil {
			t.insert(e)
		}
	}
}

func (t *hashTable) insert(e *hashEntry) {
	mask := uint64(len(t.entries) - 1)
	perturbation := e.hash
	for i := e.hash & mask; ; i = (i*5 + 1 + perturbation) & mask {
		last := i
		if i+neighbours <= mask {
			last = i + neighbours
		}
		for at := i; at <= last; at++ {
			if t.entries[at] == nil {
				t.entries[at] = e
				return
			}
		}
		perturbation >>= 5
	}
}
