//go:build linux

package children

import "bytes"

// maxLine is the longest piece of a line of stderr, in bytes: foreign output
// without line ends must not grow in memory.
const maxLine = 8 << 10

// lines cuts what is written to it into lines.
type lines struct {
	limit int
	emit  func([]byte) // must not keep it
	rest  []byte
}

// Write never fails.
func (l *lines) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		end := bytes.IndexByte(p, '\n')
		if end < 0 {
			end = len(p)
		}
		if room := l.limit - len(l.rest); end > room {
			l.rest = append(l.rest, p[:room]...)
			p = p[room:]
			l.flush()
			continue
		}
		l.rest = append(l.rest, p[:end]...)
		if end == len(p) {
			break
		}
		p = p[end+1:]
		l.send()
	}
	return n, nil
}

// flush sends what has no line end yet, if anything.
func (l *lines) flush() {
	if len(l.rest) > 0 {
		l.send()
	}
}

func (l *lines) send() {
	l.emit(bytes.TrimSuffix(l.rest, []byte("\r")))
	l.rest = l.rest[:0]
}
