package dump

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
)

// The major types of CBOR, and what stands in the low five bits of a head.
const (
	majorUint    = 0
	majorInt     = 1
	majorBytes   = 2
	majorText    = 3
	majorArray   = 4
	majorMap     = 5
	majorTag     = 6
	majorSimple  = 7
	indefinite   = 31
	breakCode    = 0xff
	tagTimeText  = 0
	tagTimeEpoch = 1
	tagSelf      = 55799
	tagRecord    = 42877
	tagStream    = 42878
)

// readAhead is how much is read at once; what is skipped and longer than this
// is not read at all where the file can be positioned.
const readAhead = 64 << 10

// untrusted is the most that is allocated because a length in the file says so.
const untrusted = 1 << 20

// decoder reads items of CBOR and knows where it stands. Its errors are
// *FormatError, io.ErrUnexpectedEOF (raw), or those of the file.
type decoder struct {
	buf  *bufio.Reader
	seek io.Seeker // nil: a pipe
	size int64     // of the file, when it can be positioned
	pos  int64     // of the next byte
	rec  int       // index of the record, for errors
}

func newDecoder(r io.Reader) *decoder {
	d := &decoder{buf: bufio.NewReaderSize(r, readAhead)}
	if s, ok := r.(io.Seeker); ok {
		at, err := s.Seek(0, io.SeekCurrent)
		if err != nil {
			return d
		}
		end, err := s.Seek(0, io.SeekEnd)
		if err != nil {
			return d
		}
		if _, err := s.Seek(at, io.SeekStart); err != nil || end < at {
			return d
		}
		// A device has no size: it is read like a pipe.
		if end > at {
			d.seek, d.size = s, end-at
		}
	}
	return d
}

func (d *decoder) fail(at int64, format string, args ...any) error {
	return &FormatError{Record: d.rec, Offset: at, Reason: fmt.Sprintf(format, args...)}
}

func (d *decoder) byte() (byte, error) {
	b, err := d.buf.ReadByte()
	if err != nil {
		return 0, unexpected(err)
	}
	d.pos++
	return b, nil
}

// unexpected names the end of a file within an item.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// head is the beginning of an item: its type, the raw low bits (to tell the
// indefinite lengths and the floats), and its number.
type head struct {
	at    int64
	major byte
	low   byte
	n     uint64
}

// open says whether the item goes on until a break.
func (h head) open() bool { return h.low == indefinite }

func (h head) isBreak() bool { return h.major == majorSimple && h.low == indefinite }

func (d *decoder) head() (head, error) {
	at := d.pos
	b, err := d.byte()
	if err != nil {
		return head{}, err
	}
	h := head{at: at, major: b >> 5, low: b & 31}
	switch {
	case h.low < 24:
		h.n = uint64(h.low)
	case h.low < 28:
		for range 1 << (h.low - 24) {
			if b, err = d.byte(); err != nil {
				return head{}, err
			}
			h.n = h.n<<8 | uint64(b)
		}
	case h.low == indefinite && (h.major >= majorBytes && h.major <= majorMap || h.major == majorSimple):
	default:
		return head{}, d.fail(at, "0x%02x begins no item of CBOR", b)
	}
	return h, nil
}

// expect reads a head of one of the types.
func (d *decoder) expect(what string, majors ...byte) (head, error) {
	h, err := d.head()
	if err != nil {
		return h, err
	}
	if h.isBreak() || !slices.Contains(majors, h.major) {
		return h, d.fail(h.at, "%s is expected, not %s", what, h)
	}
	return h, nil
}

func (h head) String() string {
	if h.isBreak() {
		return "the end of a list"
	}
	if h.major == majorTag {
		return fmt.Sprintf("tag %d", h.n)
	}
	return [...]string{"a number", "a negative number", "bytes", "a text", "a list", "a map", "", "a simple value"}[h.major]
}

// each calls item for each of the n items (pairs) of a list (map), or until
// the break that ends it.
func (d *decoder) each(h head, item func(i int) error) error {
	for i := 0; h.open() || uint64(i) < h.n; i++ {
		if h.open() {
			done, err := d.atBreak()
			if done || err != nil {
				return err
			}
		}
		if err := item(i); err != nil {
			return err
		}
	}
	return nil
}

// atBreak takes a break if one is next.
func (d *decoder) atBreak() (bool, error) {
	b, err := d.buf.Peek(1)
	if err != nil {
		return false, unexpected(err)
	}
	if b[0] != breakCode {
		return false, nil
	}
	_, err = d.byte()
	return true, err
}

// chunks calls chunk with the length of each piece of a string: one, or as many
// as an indefinite one has.
func (d *decoder) chunks(h head, chunk func(n int64) error) error {
	one := func(h head) error {
		if h.n > math.MaxInt64-uint64(d.pos) {
			return d.fail(h.at, "a length of %d bytes is beyond any file", h.n)
		}
		return chunk(int64(h.n))
	}
	if !h.open() {
		return one(h)
	}
	for {
		done, err := d.atBreak()
		if done || err != nil {
			return err
		}
		piece, err := d.expect("a piece of the same string", h.major)
		if err != nil {
			return err
		}
		if piece.open() {
			return d.fail(piece.at, "a piece of a string has no length")
		}
		if err := one(piece); err != nil {
			return err
		}
	}
}

// read appends n bytes to dst. It allocates for n at once only what is sure to
// be there, or little.
func (d *decoder) read(dst []byte, n int64) ([]byte, error) {
	sure := int64(untrusted)
	if d.seek != nil {
		sure = max(sure, d.size-d.pos)
	}
	for n > 0 {
		step := min(n, max(sure, int64(len(dst))))
		at := len(dst)
		dst = slices.Grow(dst, int(step))[:at+int(step)]
		got, err := io.ReadFull(d.buf, dst[at:])
		d.pos += int64(got)
		if err != nil {
			return dst[:at+got], unexpected(err)
		}
		n -= step
	}
	return dst, nil
}

// copy writes n bytes to w.
func (d *decoder) copy(w io.Writer, n int64) error {
	got, err := io.CopyN(w, d.buf, n)
	d.pos += got
	return unexpected(err)
}

// skip passes n bytes over, without reading them where the file allows that.
func (d *decoder) skip(n int64) error {
	if ahead := int64(d.buf.Buffered()); d.seek == nil || n <= ahead+readAhead {
		return d.copy(io.Discard, n)
	} else if err := d.copy(io.Discard, ahead); err != nil {
		return err
	} else {
		n -= ahead
	}
	// Positioning behind the end of a file is no error, reading there is: the
	// last byte tells.
	if _, err := d.seek.Seek(n-1, io.SeekCurrent); err != nil {
		return fmt.Errorf("cannot position: %w", err)
	}
	d.pos += n - 1
	if _, err := d.byte(); err != nil {
		d.pos = min(d.pos, d.size)
		return err
	}
	return nil
}
