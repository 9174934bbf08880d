package dump

import (
	"errors"
	"fmt"
	"io"
)

// Bounds on what a record may hold: far above any detector, and low enough that
// a broken file cannot take the memory.
const (
	maxName    = 64 << 10 // bytes of a stream's name or typ
	maxStreams = 64 << 10
	maxFrames  = 1 << 20 // of one record
	maxDepth   = 16      // of what is skipped
)

// Reader reads a dump from its beginning. It takes what the peer's reader
// takes: any legal way to write a length or an end, records without a time,
// elements behind the known ones, and of streams of one name the last.
//
// It does not take what only the peer's libraries happen to allow: numbers
// given as text or floats, and references between items.
type Reader struct {
	d      *decoder
	frames int // in this record so far
	done   error
}

// NewReader reads from r. Where r can be positioned, as files can, Outline does
// not read the frames.
func NewReader(r io.Reader) *Reader { return &Reader{d: newDecoder(r)} }

// Next reads the next record with all its bytes. The errors: io.EOF behind the
// last record, *FormatError, and those of the file; each is final.
func (r *Reader) Next() (Record, error) {
	var bytes [][]byte
	o, first, err := r.record(func(_ uint64, _ string, _ int, h head) (int64, error) {
		b := []byte{}
		err := r.d.chunks(h, func(n int64) (err error) {
			b, err = r.d.read(b, n)
			return err
		})
		bytes = append(bytes, b)
		return int64(len(b)), err
	})
	if err != nil {
		return Record{}, err
	}
	rec := Record{Event: o.Event, Created: o.Created, Streams: make([]Stream, len(o.Streams))}
	for i, s := range o.Streams {
		end := first[i] + len(s.Sizes)
		rec.Streams[i] = Stream{Name: s.Name, Typ: s.Typ, Frames: bytes[first[i]:end:end]}
	}
	return rec, nil
}

// Outline reads the next record without its frames: only the first head bytes
// of each stream's first frame are kept. Errors as of Next.
func (r *Reader) Outline(head int) (Outline, error) {
	return r.Copy(head, func(uint64, string, int) io.Writer { return nil })
}

// Copy is Outline, and writes to where to points the bytes of those frames for
// which it is not nil. An error of the writer is returned as it is; the record
// cannot be read further then.
func (r *Reader) Copy(keep int, to func(event uint64, stream string, frame int) io.Writer) (Outline, error) {
	var heads [][]byte
	o, first, err := r.record(func(event uint64, stream string, frame int, h head) (int64, error) {
		var begin []byte
		var size int64
		w := to(event, stream, frame)
		err := r.d.chunks(h, func(n int64) (err error) {
			size += n
			if more := min(n, int64(keep-len(begin))); more > 0 && frame == 0 {
				if begin, err = r.d.read(begin, more); err != nil {
					return err
				}
				if w != nil {
					if _, err = w.Write(begin[int64(len(begin))-more:]); err != nil {
						return err
					}
				}
				n -= more
			}
			if w != nil {
				return r.d.copy(w, n)
			}
			return r.d.skip(n)
		})
		heads = append(heads, begin)
		return size, err
	})
	if err != nil {
		return Outline{}, err
	}
	for i := range o.Streams {
		if len(o.Streams[i].Sizes) > 0 {
			o.Streams[i].Head = heads[first[i]]
		}
	}
	return o, nil
}

// taker takes the bytes of a frame whose head was read, and says how many.
type taker func(event uint64, stream string, frame int, h head) (int64, error)

// record reads a record; first is, for each stream, the number of the frames
// that were taken before its first one.
func (r *Reader) record(take taker) (o Outline, first []int, err error) {
	if r.done != nil {
		return o, nil, r.done
	}
	d := r.d
	o.Index, o.Offset = d.rec, d.pos
	r.frames = 0
	switch _, err := d.buf.Peek(1); {
	case errors.Is(err, io.EOF):
		r.done = io.EOF
		return o, nil, io.EOF
	case err == nil:
		first, err = r.message(&o, take)
		if err == nil {
			o.Bytes = d.pos - o.Offset
			d.rec++
			return o, first, nil
		}
		r.done = r.explain(o, err)
	default:
		r.done = r.explain(o, err)
	}
	return o, nil, r.done
}

// explain makes of the end within a record a torn one.
func (r *Reader) explain(o Outline, err error) error {
	var bad *FormatError
	switch {
	case errors.As(err, &bad):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &FormatError{Record: o.Index, Offset: o.Offset, Torn: true,
			Reason: fmt.Sprintf("only %d bytes of it are there", r.d.pos-o.Offset)}
	}
	return fmt.Errorf("record %d, near byte %d: %w", o.Index, r.d.pos, err)
}

// message reads the tags and the fields of a record.
func (r *Reader) message(o *Outline, take taker) (first []int, err error) {
	h, err := r.d.expect("a record", majorTag)
	for err == nil && h.n == tagSelf {
		h, err = r.d.expect("a record", majorTag)
	}
	if err != nil {
		return nil, err
	}
	if h.n != tagRecord {
		return nil, r.d.fail(h.at, "tag %d is expected, not %s", tagRecord, h)
	}
	err = r.fields("a record", 2, func(i int) error {
		switch i {
		case 0:
			event, err := r.d.expect("an event number", majorUint)
			o.Event = event.n
			return err
		case 1:
			first, err = r.streams(o, take)
			return err
		case 2:
			o.Created, err = r.created()
			return err
		default:
			return r.unknown(maxDepth)
		}
	})
	return first, err
}

// fields reads a list of at least some elements.
func (r *Reader) fields(what string, least int, field func(i int) error) error {
	h, err := r.d.expect("the list of "+what, majorArray)
	if err != nil {
		return err
	}
	n := 0
	err = r.d.each(h, func(i int) error {
		n = i + 1
		return field(i)
	})
	if err == nil && n < least {
		return r.d.fail(h.at, "%s has %d elements, at least %d are expected", what, n, least)
	}
	return err
}

func (r *Reader) streams(o *Outline, take taker) (first []int, err error) {
	h, err := r.d.expect("the map of the streams", majorMap)
	if err != nil {
		return nil, err
	}
	index := map[string]int{}
	taken := 0
	err = r.d.each(h, func(i int) error {
		if i >= maxStreams {
			return r.d.fail(r.d.pos, "there are more than %d streams", maxStreams)
		}
		name, err := r.text("a stream's name")
		if err != nil {
			return err
		}
		s, err := r.stream(name, o.Event, take)
		if err != nil {
			return err
		}
		at, twice := index[name]
		if !twice {
			at = len(o.Streams)
			index[name] = at
			o.Streams, first = append(o.Streams, OutlineStream{}), append(first, 0)
		}
		o.Streams[at], first[at] = s, taken
		taken = r.frames
		return nil
	})
	return first, err
}

func (r *Reader) stream(name string, event uint64, take taker) (s OutlineStream, err error) {
	s.Name = name
	h, err := r.d.expect("the data of a stream", majorTag)
	if err == nil && h.n != tagStream {
		err = r.d.fail(h.at, "tag %d is expected, not %s", tagStream, h)
	}
	if err != nil {
		return s, err
	}
	err = r.fields("a stream", 2, func(i int) error {
		switch i {
		case 0:
			s.Typ, err = r.text("a stream's typ")
			return err
		case 1:
			h, err := r.d.expect("the list of the frames", majorArray)
			if err != nil {
				return err
			}
			return r.d.each(h, func(i int) error {
				if r.frames++; r.frames > maxFrames {
					return r.d.fail(r.d.pos, "there are more than %d frames", maxFrames)
				}
				h, err := r.d.expect("a frame", majorBytes, majorText)
				if err != nil {
					return err
				}
				size, err := take(event, name, i, h)
				s.Sizes = append(s.Sizes, size)
				return err
			})
		default:
			return r.unknown(maxDepth)
		}
	})
	return s, err
}
