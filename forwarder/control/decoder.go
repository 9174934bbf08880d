package control

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"ingestor/internal/jsonscan"
)

// decoder turns entries of an assigned stream into a Batch, for one mapping. In
// the steady state it allocates nothing for an assignment: names are read once
// for each different list of workers, and the batch is copied out as a whole.
type decoder struct {
	scan   jsonscan.Scanner
	inner  jsonscan.Scanner
	active map[string]int // place of a stream in Mapping.Active

	// sets holds the sets met, by their JSON text and by their names: lists
	// that differ in white space or escapes are equal.
	byText, byNames map[string]*WorkerSet

	// The batch that grows; both are used again after take.
	events []uint64
	sets   []*WorkerSet

	// last is the highest event number so far, valid with any.
	last uint64
	any  bool

	// read and repeated count assignments since take.
	read, repeated uint64
}

func newDecoder(active []string) *decoder {
	d := &decoder{active: map[string]int{}, byText: map[string]*WorkerSet{}, byNames: map[string]*WorkerSet{}}
	for i, s := range active {
		d.active[s] = i
	}
	return d
}

// add appends the assignments of one entry, an array in increasing order of
// event numbers. Of an entry with a fault nothing is kept.
func (d *decoder) add(entry []byte) error {
	events, last, any, read, repeated := len(d.events), d.last, d.any, d.read, d.repeated
	if err := d.array(entry); err != nil {
		d.events, d.sets = d.events[:events], d.sets[:events*len(d.active)]
		d.last, d.any, d.read, d.repeated = last, any, read, repeated
		return err
	}
	return nil
}

func (d *decoder) array(entry []byte) error {
	s := &d.scan
	s.Reset(entry)
	if err := s.EnterArray(); err != nil {
		return err
	}
	for i := 0; ; i++ {
		more, err := s.NextElement()
		if err != nil {
			return err
		}
		if !more {
			return s.End()
		}
		if err := d.assignment(); err != nil {
			return fmt.Errorf("assignment %d: %w", i, err)
		}
	}
}

var (
	errNoEvent       = errors.New("event_number is missing")
	errNoAssignments = errors.New("assignments is missing")
)

// assignment reads {"event_number":n,"assignments":{stream:[worker…],…}}. As
// with the peers a repeated key counts as its last one, unknown ones are passed
// over.
func (d *decoder) assignment() error {
	s := &d.scan
	if err := s.EnterObject(); err != nil {
		return err
	}
	width := len(d.active)
	from := len(d.sets)
	for range width {
		d.sets = append(d.sets, nil)
	}
	row := d.sets[from:]
	var event uint64
	var hasEvent, hasAssignments, concerned bool
	for {
		key, ok, err := s.NextKey()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		switch string(key) {
		case "event_number":
			event, err = s.Uint()
			hasEvent = true
		case "assignments":
			clear(row)
			concerned, err = d.streams(row)
			hasAssignments = true
		default:
			_, err = s.Skip()
		}
		if err != nil {
			return err
		}
	}
	switch {
	case !hasEvent:
		return errNoEvent
	case !hasAssignments:
		return errNoAssignments
	}
	d.read++
	if d.any && event <= d.last {
		d.repeated++
		concerned = false
	} else {
		d.last, d.any = event, true
	}
	if !concerned {
		d.sets = d.sets[:from]
		return nil
	}
	d.events = append(d.events, event)
	return nil
}

// streams reads the object of streams into row and says whether one of ours was
// in it.
func (d *decoder) streams(row []*WorkerSet) (bool, error) {
	s := &d.scan
	if err := s.EnterObject(); err != nil {
		return false, err
	}
	concerned := false
	for {
		name, ok, err := s.NextKey()
		if err != nil || !ok {
			return concerned, err
		}
		at, ours := d.active[string(name)]
		raw, err := s.Skip()
		if err != nil {
			return false, err
		}
		if !ours {
			continue
		}
		set, known := d.byText[string(raw)]
		if !known {
			if set, err = d.intern(raw); err != nil {
				return false, fmt.Errorf("workers of stream %s: %w", printable(name), err)
			}
		}
		row[at] = set
		concerned = true
	}
}

// intern reads a list of workers that was not met in this spelling.
func (d *decoder) intern(raw []byte) (*WorkerSet, error) {
	d.inner.Reset(raw)
	names, err := readTexts(&d.inner)
	if err != nil {
		return nil, err
	}
	// The controller writes each once; sending twice would break a worker.
	unique := names[:0]
	met := map[string]bool{}
	for _, n := range names {
		if !met[n] {
			met[n] = true
			unique = append(unique, n)
		}
	}
	// Quoted, no name can hold the separator: equal keys are equal lists.
	var key strings.Builder
	for _, n := range unique {
		fmt.Fprintf(&key, "%q,", n)
	}
	set, known := d.byNames[key.String()]
	if !known {
		set = &WorkerSet{Names: unique}
		d.byNames[key.String()] = set
	}
	d.byText[string(raw)] = set
	return set, nil
}

// take returns what was added since the last take, and how many assignments
// were read and left out as repeated for it.
func (d *decoder) take() (b Batch, read, repeated uint64) {
	b.Streams = len(d.active)
	if len(d.events) > 0 {
		b.Events = slices.Clone(d.events)
		b.Sets = slices.Clone(d.sets)
	}
	read, repeated = d.read, d.repeated
	d.events, d.sets, d.read, d.repeated = d.events[:0], d.sets[:0], 0, 0
	return b, read, repeated
}
