//go:build linux

package children

// tail keeps the last bytes that are written to it, in a ring that grows up to
// its limit as it is needed: most children write little.
type tail struct {
	limit int
	ring  []byte
	next  int // where the oldest byte is, once the ring is full
}

// Write never fails.
func (t *tail) Write(p []byte) (int, error) {
	n := len(p)
	if len(p) >= t.limit {
		t.ring = append(t.ring[:0], p[len(p)-t.limit:]...)
		t.next = 0
		return n, nil
	}
	if room := t.limit - len(t.ring); room > 0 {
		part := p[:min(room, len(p))]
		t.ring = append(t.ring, part...)
		p = p[len(part):]
	}
	for len(p) > 0 {
		done := copy(t.ring[t.next:], p)
		p = p[done:]
		t.next = (t.next + done) % t.limit
	}
	return n, nil
}

// bytes is a copy of what is kept, oldest first.
func (t *tail) bytes() []byte {
	all := make([]byte, 0, len(t.ring))
	all = append(all, t.ring[t.next:]...)
	return append(all, t.ring[:t.next]...)
}
