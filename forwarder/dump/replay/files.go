package replay

import (
	"errors"
	"fmt"
	"io"

	"ingestor/forwarder/dump"
	"ingestor/internal/fault"
)

// input is a file with the record that comes next.
type input struct {
	name   string
	file   io.ReadCloser
	reader *dump.Reader
	head   dump.Record
	err    error // why there is no more
}

func (f *input) advance() { f.head, f.err = f.reader.Next() }

// open opens all files of a round.
func (p *Player) open() (files []*input, err error) {
	for _, name := range p.opt.Files {
		f, err := p.opt.Open(name)
		if err != nil {
			return files, err
		}
		in := &input{name: name, file: f, reader: dump.NewReader(f)}
		in.advance()
		files = append(files, in)
	}
	return files, nil
}

// lowest is the file whose next event has the lowest number: the files of the
// ingesters of one scan go out together. Nil: all have ended.
func lowest(files []*input) (low *input) {
	for _, f := range files {
		if f.err == nil && (low == nil || f.head.Event < low.head.Event) {
			low = f
		}
	}
	return low
}

// broken is what ended files before their end.
func broken(files []*input) error {
	var all []error
	for _, f := range files {
		if !errors.Is(f.err, io.EOF) {
			all = append(all, fmt.Errorf("%s: %w", f.name, f.err))
		}
	}
	return fault.New(fault.BadInput, errors.Join(all...))
}
