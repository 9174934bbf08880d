package jsonscan

// DefaultMaxDepth is how deep values may be nested unless told: what the
// peers' parser takes.
const DefaultMaxDepth = 200

// Options say what beyond RFC 8259 is taken. The zero value is strict.
type Options struct {
	// NonFinite takes NaN, Infinity and -Infinity as numbers.
	NonFinite bool
	// MaxDepth is how many objects and arrays may be open at once; 0 means
	// DefaultMaxDepth.
	MaxDepth int
}

// Kind is what the next value is, judged by its first byte.
type Kind uint8

// The kinds of value.
const (
	// Invalid is no value: the end, a closing bracket, or a wrong byte.
	Invalid Kind = iota
	Object
	Array
	Text
	Number
	Bool
	Null
)

var kindNames = [...]string{"nothing", "an object", "an array", "a text", "a number", "a boolean", "null"}

// String is the kind in words, for messages: "an object".
func (k Kind) String() string { return kindNames[k] }

// Scanner is the cursor. It is for one goroutine; its zero value is a strict
// scanner of an empty document. Views that it returns point into the document,
// or, for strings with escapes, into a buffer of the scanner: both stay valid
// until the next Reset (the former as long as the document is left alone).
type Scanner struct {
	b     []byte
	i     int
	depth int
	max   int
	loose bool
	// first is set directly after an opening bracket, when no comma may come.
	// One flag serves all levels: whatever follows an inner value is not first.
	first   bool
	scratch []byte
	err     *SyntaxError
}

// New makes a scanner; Reset gives it a document.
func New(o Options) *Scanner {
	return &Scanner{max: o.MaxDepth, loose: o.NonFinite}
}

// Reset begins a document at its first byte. The scanner keeps its options.
func (s *Scanner) Reset(b []byte) {
	s.b, s.i, s.depth, s.first, s.err = b, 0, 0, false, nil
	s.scratch = s.scratch[:0]
	if s.max <= 0 {
		s.max = DefaultMaxDepth
	}
}

// Offset is the index of the next byte to be read.
func (s *Scanner) Offset() int { return s.i }

// Err is the fault that ended the document, or nil.
func (s *Scanner) Err() error {
	if s.err == nil {
		return nil
	}
	return s.err
}

// fail records the first fault and returns it ever after.
func (s *Scanner) fail(offset int, reason string) error {
	if s.err == nil {
		if offset >= len(s.b) {
			offset, reason = len(s.b), reasonEarlyEnd
		}
		s.err = &SyntaxError{Offset: offset, Reason: reason}
	}
	return s.err
}

// space moves to the next byte that is not white space and returns it; 0 at
// the end (a NUL in the document is no valid byte either).
func (s *Scanner) space() byte {
	for s.i < len(s.b) {
		c := s.b[s.i]
		if c > ' ' || (c != ' ' && c != '\n' && c != '\t' && c != '\r') {
			return c
		}
		s.i++
	}
	return 0
}

// Kind is the kind of the value that comes next. It reads nothing of it.
func (s *Scanner) Kind() Kind {
	if s.err != nil {
		return Invalid
	}
	switch c := s.space(); c {
	case '{':
		return Object
	case '[':
		return Array
	case '"':
		return Text
	case 't', 'f':
		return Bool
	case 'n':
		return Null
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return Number
	case 'N', 'I':
		if s.loose {
			return Number
		}
	}
	return Invalid
}

// open goes into an object or an array.
func (s *Scanner) open(bracket byte, reason string) error {
	if s.err != nil {
		return s.err
	}
	if s.space() != bracket {
		return s.fail(s.i, reason)
	}
	if s.depth >= s.max {
		return s.fail(s.i, reasonDepth)
	}
	s.depth++
	s.i++
	s.first = true
	return nil
}

// EnterObject goes into the object that comes next; NextKey reads it.
func (s *Scanner) EnterObject() error { return s.open('{', reasonWantObject) }

// EnterArray goes into the array that comes next; NextElement reads it.
func (s *Scanner) EnterArray() error { return s.open('[', reasonWantArray) }

// NextKey reads the key of the next member of the object that was entered
// last, unescaped; its value comes next and has to be read, entered or
// skipped. ok is false when the object has ended, and is left by that.
func (s *Scanner) NextKey() (key []byte, ok bool, err error) {
	if s.err != nil {
		return nil, false, s.err
	}
	more, err := s.next('}')
	if !more {
		return nil, false, err
	}
	if s.space() != '"' {
		return nil, false, s.fail(s.i, reasonNoKey)
	}
	key, err = s.text(true)
	if err != nil {
		return nil, false, err
	}
	if s.space() != ':' {
		return nil, false, s.fail(s.i, reasonNoColon)
	}
	s.i++
	return key, true, nil
}

// NextElement says whether the array that was entered last has another
// element; it comes next and has to be read, entered or skipped. When it
// returns false the array has ended, and is left by that.
func (s *Scanner) NextElement() (bool, error) {
	if s.err != nil {
		return false, s.err
	}
	return s.next(']')
}

// next passes the comma before a member, or the closing bracket.
func (s *Scanner) next(closing byte) (bool, error) {
	c := s.space()
	if c == closing && s.depth > 0 {
		s.depth--
		s.i++
		s.first = false
		return false, nil
	}
	if s.first {
		s.first = false
		return true, nil
	}
	if c != ',' || s.depth == 0 {
		return false, s.fail(s.i, reasonNoComma)
	}
	s.i++
	return true, nil
}

// End confirms that the document ends here, after all that was entered has
// been left.
func (s *Scanner) End() error {
	if s.err != nil {
		return s.err
	}
	if s.depth > 0 {
		return s.fail(s.i, reasonNoComma)
	}
	s.space()
	if s.i < len(s.b) {
		return s.fail(s.i, reasonTrailing)
	}
	if s.i == 0 {
		return s.fail(0, reasonEarlyEnd)
	}
	return nil
}
