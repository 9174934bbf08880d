package replay

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"ingestor/forwarder/dump"
	"ingestor/internal/fault"
)

// Options say what to send, where to, and how fast.
type Options struct {
	// Files are sent together, by event number, as those of the ingesters of one
	// scan are. Open opens one of them at its beginning, once a round.
	Files []string
	Open  func(name string) (io.ReadCloser, error)
	// Streams are the only ones to send; none means all.
	Streams []string
	// Addresses are those of the streams; the one of "" is for a stream that is
	// alone. For PUSH, PUB and TCP it is where to listen, for HTTP whom to ask.
	Addresses map[string]string
	// Protocols overrule what the typ of a stream means.
	Protocols map[string]Protocol
	// Rate is events per second; 0 means as fast as they are taken.
	Rate float64
	// AsRecorded keeps the times between the events; those without one follow at
	// once.
	AsRecorded bool
	// Rounds is how often everything is sent; 0 means until ctx ends.
	Rounds int
	// Pause is the time between two rounds.
	Pause time.Duration
	// Peers is how many receivers have to be there before a ZeroMQ stream begins;
	// 0 means 1.
	Peers int
}

// Player sends files. It is used once.
type Player struct {
	opt     Options
	streams map[string]*stream
	events  atomic.Uint64
	sent    atomic.Uint64
	bytes   atomic.Uint64
}

type stream struct {
	unpack *unpacker
	to     sender
}

// New checks the options; its errors are those of the usage.
func New(o Options) (*Player, error) {
	var all []error
	add := func(wrong bool, format string, args ...any) {
		if wrong {
			all = append(all, fault.Errorf(fault.Usage, format, args...))
		}
	}
	add(len(o.Files) == 0 || o.Open == nil, "there is no file to send")
	add(o.Rate < 0, "a rate of %v events a second can not be kept", o.Rate)
	add(o.Rate > 0 && o.AsRecorded, "events go out at a rate or as recorded, not both")
	add(o.Rounds < 0 || o.Pause < 0 || o.Peers < 0, "rounds, pause and peers can not be negative")
	for name, p := range o.Protocols {
		add(!slices.Contains(Protocols(), string(p)), "stream %s: %q is no protocol; there is %v", name, p, Protocols())
	}
	if len(all) > 0 {
		return nil, errors.Join(all...)
	}
	return &Player{opt: o, streams: map[string]*stream{}}, nil
}

// Sent is how much went out so far: events, messages and their bytes. Any
// goroutine may ask.
func (p *Player) Sent() (events, messages, bytes uint64) {
	return p.events.Load(), p.sent.Load(), p.bytes.Load()
}

// Run sends everything and waits until it was taken. A file that is torn is sent
// as far as it is whole; the error, of bad input, comes at the end.
func (p *Player) Run(ctx context.Context) error {
	err := p.rounds(ctx)
	for _, s := range p.streams {
		// Also after a torn file: what went out shall arrive.
		if s.to == nil {
			continue
		}
		if e := s.to.finish(ctx); err == nil {
			err = e
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func (p *Player) rounds(ctx context.Context) error {
	for i := 0; p.opt.Rounds == 0 || i < p.opt.Rounds; i++ {
		if i > 0 {
			if err := wait(ctx, p.opt.Pause); err != nil {
				return err
			}
		}
		if err := p.round(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (p *Player) round(ctx context.Context) error {
	files, err := p.open()
	defer func() {
		for _, f := range files {
			_ = f.file.Close() // only read
		}
	}()
	if err != nil {
		return err
	}
	pace := pacer{rate: p.opt.Rate, recorded: p.opt.AsRecorded}
	for {
		next := lowest(files)
		if next == nil {
			return broken(files)
		}
		if err := p.ready(ctx, next.head); err != nil {
			return err
		}
		if err := pace.wait(ctx, next.head); err != nil {
			return err
		}
		if err := p.event(ctx, next.head); err != nil {
			return err
		}
		next.advance()
	}
}

// ready opens the streams of an event, before any of them sends.
func (p *Player) ready(ctx context.Context, r dump.Record) error {
	for _, s := range r.Streams {
		if p.streams[s.Name] != nil || !p.wants(s.Name) {
			continue
		}
		protocol := p.opt.Protocols[s.Name]
		if protocol == "" {
			protocol = ProtocolOf(s.Typ)
		}
		if protocol == "" {
			return fault.Errorf(fault.Usage, "stream %s has the typ %q, whose upstream is not known: "+
				"choose how it speaks (--protocol %s=push), or leave it out (--stream OTHER)", s.Name, s.Typ, s.Name)
		}
		address, alone := p.opt.Addresses[s.Name], p.opt.Addresses[""]
		if address == "" {
			address = alone
			for other := range p.streams {
				if alone != "" && p.opt.Addresses[other] == "" {
					return fault.Errorf(fault.Usage, "streams %s and %s can not share %s: say which is whose (--bind %s=URL)", other, s.Name, alone, s.Name)
				}
			}
		}
		if address == "" {
			return fault.Errorf(fault.Usage, "stream %s needs an address, the upstream URL of the forwarder: --%s %s=URL", s.Name, protocol.flag(), s.Name)
		}
		to, err := open(ctx, s.Name, protocol, address, p.opt.Peers)
		if err != nil {
			return err
		}
		p.streams[s.Name] = &stream{unpack: newUnpacker(), to: to}
	}
	return nil
}

func (p *Player) wants(name string) bool {
	return len(p.opt.Streams) == 0 || slices.Contains(p.opt.Streams, name)
}

func (p *Player) event(ctx context.Context, r dump.Record) error {
	for _, s := range r.Streams {
		to := p.streams[s.Name]
		if to == nil {
			continue
		}
		messages, err := to.unpack.messages(s.Typ, s.Frames)
		if err != nil {
			return fault.Errorf(fault.BadInput, "event %d, stream %s: %w", r.Event, s.Name, err)
		}
		for _, m := range messages {
			if err := to.to.send(ctx, m); err != nil {
				kind := fault.Unavailable
				if marked := (*fault.Error)(nil); errors.As(err, &marked) {
					kind = marked.Kind
				}
				return fault.Errorf(kind, "event %d, stream %s: %w", r.Event, s.Name, err)
			}
			p.sent.Add(1)
			for _, part := range m {
				p.bytes.Add(uint64(len(part)))
			}
		}
	}
	p.events.Add(1)
	return nil
}

// flag is how the address of a protocol is given.
func (p Protocol) flag() string {
	if p == HTTP {
		return "connect"
	}
	return "bind"
}

// pacer says when the next event may go out. Events that are late go out at once,
// until the time is made up for.
type pacer struct {
	rate     float64
	recorded bool
	start    time.Time // when the first event went out
	first    time.Time // when that was recorded
	n        int
}

func (p *pacer) wait(ctx context.Context, r dump.Record) error {
	now := time.Now()
	if p.start.IsZero() {
		p.start = now
	}
	at := p.start
	switch {
	case p.rate > 0:
		at = p.start.Add(time.Duration(float64(p.n) / p.rate * float64(time.Second)))
		p.n++
	case p.recorded && !r.Created.IsZero():
		if p.first.IsZero() || r.Created.Before(p.first) {
			p.first, p.start = r.Created, now // of the first scan, or another in the same file
		}
		at = p.start.Add(r.Created.Sub(p.first))
	}
	return wait(ctx, at.Sub(now))
}

func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
