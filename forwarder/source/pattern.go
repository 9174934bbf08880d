package source

// pattern is the last data header that was read with all care. A header that differs
// from it in nothing but the digits of its whole numbers is valid too and means the
// same, so it need not be read: frames of one series are told by comparing bytes.
type pattern struct {
	header []byte
	spans  []span
	known  bool
	odd    bool // a number that is asked for is not written as one
	misses int
}

// span is where a whole number of a field that the protocol knows stands.
type span struct {
	at, n int
	field *field
}

// Detectors that put something new into each header gain nothing from patterns: after
// so many misses in a row a new one is tried only now and then.
const (
	missesInRow = 16
	missesTry   = 256
)

// begin forgets the pattern, for a header that is read with care.
func (p *pattern) begin() {
	p.spans = p.spans[:0]
	p.known, p.odd = false, false
}

// number notes a whole number.
func (p *pattern) number(at, n int, f *field) {
	p.spans = append(p.spans, span{at, n, f})
}

// learn makes the header that was read the pattern.
func (p *pattern) learn(header []byte) {
	if len(header) > maxPattern || p.odd {
		return
	}
	if p.misses++; p.misses > missesInRow && p.misses%missesTry != 0 {
		return
	}
	p.header = append(p.header[:0], header...)
	p.known = true
}

// maxPattern bounds what is copied: beyond it reading costs less than a frame anyway.
const maxPattern = 4096

// fits compares a header with the pattern and takes its numbers.
func (p *pattern) fits(header []byte, s *schema) bool {
	if !p.known {
		return false
	}
	from, i := 0, 0 // in the pattern, in the header
	for k := range p.spans {
		sp := &p.spans[k]
		n := sp.at - from
		if len(header)-i < n || string(header[i:i+n]) != string(p.header[from:sp.at]) {
			return false
		}
		i += n
		from = sp.at + sp.n
		value, digits := leading(header[i:])
		if digits == 0 {
			return false
		}
		i += digits
		if sp.field.frame {
			s.frame, s.hasFrame = value, true
		}
		if sp.field.keep {
			s.kept, s.hasKept = value, true
		}
	}
	if string(header[i:]) != string(p.header[from:]) {
		return false
	}
	p.misses = 0
	return true
}

// leading reads the number in front of b: up to 18 digits, no sign, no superfluous
// zero. What follows it is compared with what follows the pattern's number, so it is
// no further digit.
func leading(b []byte) (n int64, digits int) {
	for digits < len(b) && digits < 18 && b[digits]-'0' <= 9 {
		n = n*10 + int64(b[digits]-'0')
		digits++
	}
	if digits > 1 && b[0] == '0' {
		return 0, 0
	}
	return n, digits
}
