package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"ingestor/forwarder/dump"
)

const (
	// excerpt is how much of a header a line shows; wholeHeader is how much of one
	// is read to be printed as JSON.
	excerpt     = 80
	wholeHeader = 64 << 10
	// manySizes is from how many frames on a line only sums their sizes up.
	manySizes = 8
)

// lister lists one file.
type lister struct {
	out     *bufio.Writer
	opt     dumpOptions
	file    string
	several bool // files: each is named
	sum     dumpSummary
	started time.Time
	ended   time.Time
}

// dumpSummary is what was listed, and dumpEvent one event: the JSON output.
type dumpSummary struct {
	File    string   `json:"file"`
	Events  int      `json:"events"`
	First   uint64   `json:"first"`
	Last    uint64   `json:"last"`
	Streams []string `json:"streams"`
	Frames  int      `json:"frames"`
	Bytes   int64    `json:"bytes"` // of the frames
	Seconds float64  `json:"seconds"`
	Whole   bool     `json:"whole"`
}

type dumpEvent struct {
	Event   uint64       `json:"event"`
	Created string       `json:"created_at,omitempty"`
	Offset  int64        `json:"offset"`
	Bytes   int64        `json:"bytes"`
	Streams []dumpStream `json:"streams"`
}

type dumpStream struct {
	Name   string          `json:"name"`
	Typ    string          `json:"typ"`
	Frames []int64         `json:"frames"`
	Header json.RawMessage `json:"header,omitempty"`
}

// list writes a line for each event and the summary, and then says what is wrong
// with the file.
func (l *lister) list(ctx context.Context, stdin io.Reader) error {
	f, err := openDump(l.file, stdin)
	if err != nil {
		return err
	}
	defer f.Close()
	if l.several && !l.opt.json {
		fmt.Fprintf(l.out, "# %s\n", printable([]byte(l.file)))
	}
	head := excerpt
	if l.opt.json {
		head = wholeHeader
	}
	l.sum = dumpSummary{File: l.file, Streams: []string{}}
	r := dump.NewReader(f)
	for err == nil && ctx.Err() == nil {
		var o dump.Outline
		if o, err = r.Outline(head); err == nil && l.opt.events.has(o.Event) {
			err = l.event(o)
		}
	}
	if errors.Is(err, io.EOF) {
		err, l.sum.Whole = nil, true
	}
	if err := l.summary(); err != nil {
		return err
	}
	if err != nil {
		return badDump(l.file, err)
	}
	return nil
}

func (l *lister) event(o dump.Outline) error {
	if len(l.opt.streams) > 0 {
		o.Streams = slices.DeleteFunc(o.Streams, func(s dump.OutlineStream) bool { return !slices.Contains(l.opt.streams, s.Name) })
		if len(o.Streams) == 0 {
			return nil
		}
	}
	l.count(o)
	if l.opt.json {
		return l.asJSON(o)
	}
	line := fmt.Appendf(nil, "%6d  %-27s", o.Event, timeText(o.Created))
	for i, s := range o.Streams {
		if i > 0 {
			line = append(line, "  |"...)
		}
		line = fmt.Appendf(line, "  %s %s  %s", printable([]byte(s.Name)), printable([]byte(s.Typ)), sizesText(s))
		if text := headerText(s); text != "" {
			line = append(append(line, "  "...), text...)
		}
	}
	_, err := l.out.Write(append(line, '\n'))
	return err
}

func (l *lister) count(o dump.Outline) {
	s := &l.sum
	if s.Events == 0 {
		s.First, s.Last, l.started, l.ended = o.Event, o.Event, o.Created, o.Created
	}
	s.Events++
	s.First, s.Last = min(s.First, o.Event), max(s.Last, o.Event)
	if o.Created.Before(l.started) {
		l.started = o.Created
	}
	if o.Created.After(l.ended) {
		l.ended = o.Created
	}
	s.Seconds = l.ended.Sub(l.started).Seconds()
	for _, stream := range o.Streams {
		s.Frames += len(stream.Sizes)
		s.Bytes += stream.Bytes()
		// Names of a broken file shall not fill the memory.
		if len(s.Streams) < 1000 && !slices.Contains(s.Streams, stream.Name) {
			s.Streams = append(s.Streams, stream.Name)
		}
	}
}

func (l *lister) asJSON(o dump.Outline) error {
	e := dumpEvent{Event: o.Event, Created: timeText(o.Created), Offset: o.Offset, Bytes: o.Bytes, Streams: []dumpStream{}}
	for _, s := range o.Streams {
		d := dumpStream{Name: s.Name, Typ: s.Typ, Frames: s.Sizes}
		if d.Frames == nil {
			d.Frames = []int64{}
		}
		if len(s.Sizes) > 0 && int64(len(s.Head)) == s.Sizes[0] && json.Valid(s.Head) {
			d.Header = s.Head
		}
		e.Streams = append(e.Streams, d)
	}
	return l.encode(e)
}

func (l *lister) encode(v any) error {
	e := json.NewEncoder(l.out)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

func (l *lister) summary() error {
	s := l.sum
	if l.opt.json {
		return l.encode(map[string]dumpSummary{"summary": s})
	}
	if s.Events == 0 {
		_, err := fmt.Fprintln(l.out, "# no events")
		return err
	}
	var names []string
	for _, n := range s.Streams {
		names = append(names, printable([]byte(n)))
	}
	_, err := fmt.Fprintf(l.out, "# %d events (%d-%d) in %.3f s; %d frames of %s; %d bytes\n",
		s.Events, s.First, s.Last, s.Seconds, s.Frames, strings.Join(names, ", "), s.Bytes)
	return err
}

// timeText is a time with microseconds, as far as a dump has them; empty for none.
func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format("2006-01-02T15:04:05.000000Z")
}

// sizesText is the frames' bytes: 62+46, or their number and sum when they are many.
func sizesText(s dump.OutlineStream) string {
	switch n := len(s.Sizes); {
	case n == 0:
		return "no frames"
	case n > manySizes:
		return fmt.Sprintf("%d frames, %d B", n, s.Bytes())
	}
	var b []byte
	for i, n := range s.Sizes {
		if i > 0 {
			b = append(b, '+')
		}
		b = fmt.Append(b, n)
	}
	return string(append(b, " B"...))
}

// headerText is the beginning of a first frame that is text; else empty.
func headerText(s dump.OutlineStream) string {
	head := s.Head
	cut := len(s.Sizes) > 0 && int64(len(head)) < s.Sizes[0]
	for cut && len(head) > 0 && !utf8.Valid(head) && len(s.Head)-len(head) < utf8.UTFMax {
		head = head[:len(head)-1] // in the middle of a character
	}
	for _, r := range string(head) {
		if r == utf8.RuneError || r < ' ' && !strings.ContainsRune("\t\r\n", r) {
			return ""
		}
	}
	text := printable(head)
	if cut {
		text += "..."
	}
	return text
}

// printable is text for a terminal: ASCII on one line, all else as escapes.
func printable(b []byte) string {
	q := fmt.Sprintf("%+q", b)
	// The quotes and what escapes them in the text would only hide JSON.
	return strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(q[1 : len(q)-1])
}
