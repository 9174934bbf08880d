package treetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"

	"ingestor/internal/nexus/nexustest"
)

// Kind is what a file is.
type Kind string

// The kinds. Those up to Foreign are data files by their names, and are counted
// by Options.Files.
const (
	Good Kind = "good"

	Text       Kind = "text"       // no HDF5
	Cut        Kind = "cut"        // the end is missing
	Empty      Kind = "empty"      // HDF5, but nothing is in it
	Nothing    Kind = "nothing"    // no byte
	Unreadable Kind = "unreadable" // good, but nobody may read it; root may all the same
	Foreign    Kind = "foreign"    // good, in a folder of its own, see ForeignFolder

	// Young files are good, and have just been changed.
	Young Kind = "young"
	// Hidden files begin with a dot, or a folder above them does.
	Hidden Kind = "hidden"
	// Other files are none by their names.
	Other Kind = "other"
	// Link is a symbolic link to a good file, to a folder, to a folder above it,
	// or to nothing.
	Link Kind = "link"
	// Twin is a further hard link of a good file.
	Twin Kind = "twin"
	// Pipe is a named pipe, on whose opening one waits for ever.
	Pipe Kind = "pipe"
)

// Broken are the kinds that no right and no schema mends.
func Broken() []Kind { return []Kind{Text, Cut, Empty, Nothing} }

// File is one file of a tree.
type File struct {
	Path    string
	Kind    Kind
	Job     string // unique; of a Twin that of its good file
	ModTime time.Time
}

// Options of a tree.
type Options struct {
	// Root is the folder of the tree, which need not be there yet.
	Root string
	// Files is how many data files there are.
	Files int
	// Broken, Unreadable and Foreign are how many of these there are in a
	// thousand files.
	Broken, Unreadable, Foreign int
	// Plain leaves out what is counted by none of these.
	Plain bool
	// Seed makes other trees.
	Seed uint64
	// Newest is the latest modification time but that of Young files; the
	// earliest is Age before it. Default one hour ago, and ten years.
	Newest time.Time
	Age    time.Duration
	// Instruments are the folders below Root; default odin, dream and loki.
	Instruments []string
}

// ForeignFolder is in the path of all files of kind Foreign, in place of an
// instrument.
const ForeignFolder = "nmx"

// Tree is a tree that has been made.
type Tree struct {
	Options
	Files []File // in the order of their modification time, but for the last few

	dice      *rand.Rand
	templates map[string]*nexustest.Template
	folders   map[string]bool
	number    int
}

// Make makes a tree.
func Make(o Options) (*Tree, error) {
	if o.Instruments == nil {
		o.Instruments = []string{"odin", "dream", "loki"}
	}
	if o.Newest.IsZero() {
		o.Newest = time.Now().Add(-time.Hour)
	}
	if o.Age == 0 {
		o.Age = 10 * 365 * 24 * time.Hour
	}
	t := &Tree{Options: o, dice: rand.New(rand.NewPCG(o.Seed, 7)), templates: map[string]*nexustest.Template{}, folders: map[string]bool{}}
	times := t.times(o.Files)
	kinds := t.kinds(o.Files)
	for i, when := range times {
		if err := t.add(t.name(kinds[i]), kinds[i], when); err != nil {
			return nil, fmt.Errorf("make a tree of files: %w", err)
		}
	}
	if !o.Plain {
		if err := t.oddities(); err != nil {
			return nil, fmt.Errorf("make a tree of files: %w", err)
		}
	}
	return t, nil
}

// times are n in their order, most of them in ties: also the newest.
func (t *Tree) times(n int) []time.Time {
	list := make([]time.Time, 0, n)
	for len(list) < n {
		when := t.Newest.Add(-time.Duration(t.dice.Int64N(int64(t.Age))))
		for range min(n-len(list), 1+t.dice.IntN(1+t.dice.IntN(20))) {
			list = append(list, when)
		}
	}
	slices.SortFunc(list, time.Time.Compare)
	for i := max(0, n-5); i < n; i++ {
		list[i] = t.Newest
	}
	return list
}

// kinds are those of n files, shuffled.
func (t *Tree) kinds(n int) []Kind {
	list := make([]Kind, n)
	at := 0
	fill := func(perThousand int, kinds ...Kind) {
		for i := range n * perThousand / 1000 {
			list[at] = kinds[i%len(kinds)]
			at++
		}
	}
	fill(t.Broken, Broken()...)
	fill(t.Unreadable, Unreadable)
	fill(t.Foreign, Foreign)
	for ; at < n; at++ {
		list[at] = Good
	}
	t.dice.Shuffle(n, func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

// odd are names that programs get wrong; %d keeps them apart.
var odd = []string{
	"run %d (copy).hdf", "-run_%d.hdf", "run_%d_mätning_№.hdf", `run_"%d'.hdf`, "run_100%%_%d.hdf", "run[%d].hdf",
	"run_*_%d?.hdf", "run_%d;$HOME`.hdf", "run_%d\\.hdf", " run_%d.hdf", "run_%d,2.hdf", "<run>_%d&.hdf",
}

// name is where the next file lies: a quarter of all in one folder.
func (t *Tree) name(kind Kind) string {
	t.number++
	instrument := t.Instruments[t.number%len(t.Instruments)]
	if kind == Foreign {
		instrument = ForeignFolder
	}
	file := fmt.Sprintf("run_%07d.hdf", t.number)
	if t.number%89 == 0 && !t.Plain {
		file = fmt.Sprintf(odd[t.number/89%len(odd)], t.number)
	}
	if t.dice.IntN(4) == 0 {
		if kind != Foreign {
			instrument = t.Instruments[0]
		}
		return filepath.Join(t.Root, instrument, "raw", file)
	}
	year, proposal := 2016+t.dice.IntN(10), 443500+t.dice.IntN(1+t.Options.Files/400)
	return filepath.Join(t.Root, instrument, fmt.Sprint(year), fmt.Sprintf("p%d", proposal), file)
}

// add makes a file of a kind that has content of its own.
func (t *Tree) add(path string, kind Kind, when time.Time) error {
	job := t.job()
	content, err := t.content(path, kind, job)
	if err != nil {
		return err
	}
	if err := t.put(path, content, when); err != nil {
		return err
	}
	if kind == Unreadable {
		if err := os.Chmod(path, 0); err != nil {
			return err
		}
	}
	t.Files = append(t.Files, File{Path: path, Kind: kind, Job: job, ModTime: when})
	return nil
}

// job is that of the next file.
func (t *Tree) job() string {
	return fmt.Sprintf("7d4b2c1e-5a0f-4f7b-%04x-%012d", t.Seed&0xffff, len(t.Files))
}

func (t *Tree) put(path string, content []byte, when time.Time) error {
	if dir := filepath.Dir(path); !t.folders[dir] {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		t.folders[dir] = true
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Chtimes(path, when, when)
}
