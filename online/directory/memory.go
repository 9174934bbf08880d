package directory

import "hash/maphash"

// state says how far a file is.
type state uint64

const (
	asked    state = iota // not ended in another run
	queued                // waits for its delivery
	underway              // delivered, not acknowledged
	ended                 // acknowledged, or ended in another run
)

// The marks of a memory's value: two bits of state, two of generation, the rest is
// the file's print.
const (
	stateMarks      = 3
	generationMarks = 3 << 2
	marks           = stateMarks | generationMarks
)

// memory knows the files that need nothing at present, by hashes alone: 16 bytes a
// file. Two paths with one hash make each other look changed, which delivers them
// again; only files that agree in 124 bits would hide each other.
type memory struct {
	seed       maphash.Seed
	all        map[uint64]uint64
	generation uint64
}

func newMemory() *memory { return &memory{seed: maphash.MakeSeed(), all: map[uint64]uint64{}} }

func (m *memory) key(path string) uint64 { return maphash.String(m.seed, path) }

// get tells how far the file is; false when it is new or was changed.
func (m *memory) get(f file) (state, bool) {
	v, known := m.all[m.key(f.path)]
	return state(v & stateMarks), known && v&^marks == f.print(m.seed)
}

// set notes how far the file is.
func (m *memory) set(f file, s state) {
	m.all[m.key(f.path)] = f.print(m.seed) | m.generation | uint64(s)
}

// forget makes the file, if it is still as f says, a new one.
func (m *memory) forget(f file) {
	if _, known := m.get(f); known {
		delete(m.all, m.key(f.path))
	}
}

// see marks a file of this name as being there.
func (m *memory) see(path string) {
	key := m.key(path)
	if v, known := m.all[key]; known {
		m.all[key] = v&^generationMarks | m.generation
	}
}

// begin starts a generation: what is not seen or set from now on is gone.
func (m *memory) begin() { m.generation = (m.generation + 1<<2) & generationMarks }

// prune forgets what is gone, except what is on its way.
func (m *memory) prune() {
	for key, v := range m.all {
		if s := state(v & stateMarks); v&generationMarks != m.generation && (s == asked || s == ended) {
			delete(m.all, key)
		}
	}
}
