package source

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"ingestor/internal/fault"
	"ingestor/internal/zmq"
)

// newPositionCap is the capture port of a PandABox: text lines by TCP. The header is
// one event, each line one, the END line one; then the next series may follow on the
// same connection.
func newPositionCap(s Settings) (Source, error) {
	if err := single(s); err != nil {
		return nil, err
	}
	u, err := url.Parse(s.URL)
	if err != nil || u.Hostname() == "" || u.Port() == "" {
		return nil, fault.Errorf(fault.BadConfiguration, "stream %q: tcp_positioncap needs an upstream URL such as tcp://panda:8889, not %q", s.Stream, s.URL)
	}
	return &positionCap{address: u.Host}, nil
}

// Bounds of what one line and one header may be.
const (
	lineBytes   = 1 << 20
	headerBytes = 8 << 20
)

// The pause before a connection that was refused is tried again grows between these.
const (
	retryFirst = 100 * time.Millisecond
	retryMost  = 2 * time.Second
)

var errClosed = errors.New("closed")

type positionCap struct {
	address string

	up    *Upstream
	queue *queue
	stop  closing
	done  sync.WaitGroup
}

// Typ names the protocol.
func (*positionCap) Typ() string { return "PCAP_RAW" }

// Open starts to connect; a server that is not there yet is tried again and again.
func (p *positionCap) Open(up *Upstream) error {
	if p.queue != nil {
		return nil
	}
	p.up, p.queue, p.stop = up, newQueue(up.QueueBytes, up.Wake), make(closing)
	r := &lineReader{address: p.address, log: up.Log, count: up.Count, queue: p.queue}
	stop := p.stop
	p.done.Go(func() { r.run(stop) })
	return nil
}

// Next gives the next header, line or END line.
func (p *positionCap) Next() (*zmq.Message, error) {
	if p.queue == nil {
		return nil, nil
	}
	b, err := p.queue.take()
	if b == nil || err != nil {
		return nil, err
	}
	m := p.up.Pool.Get()
	m.Append(b)
	return m, nil
}

// Close ends the connection.
func (p *positionCap) Close() error {
	if p.queue == nil {
		return nil
	}
	close(p.stop)
	p.queue.close()
	p.done.Wait()
	p.queue = nil
	return nil
}

// lineReader is the goroutine of one mapping.
type lineReader struct {
	address string
	log     logrus.FieldLogger
	count   *Counters
	queue   *queue
	series  int // how many have begun
}

// again says that nothing of a scan was lost, so that connecting anew makes it good.
type again struct{ error }

func (r *lineReader) run(ctx context.Context) {
	wait, failures := retryFirst, 0
	for {
		err := r.connect(ctx, func() { wait, failures = retryFirst, 0 })
		if ctx.Err() != nil {
			return
		}
		if !errors.As(err, &again{}) {
			r.queue.fail(fmt.Errorf("upstream %s: %w", r.address, err))
			return
		}
		if failures++; failures == 1 || failures%30 == 0 {
			r.log.WithError(err).WithField("attempts", failures).Warn("The upstream is not there; trying again")
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		wait = min(2*wait, retryMost)
	}
}

// connect is the life of one connection; greeted is called once the server has
// answered.
func (r *lineReader) connect(ctx context.Context, greeted func()) error {
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", r.address)
	if err != nil {
		return again{err}
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })() // ends the read below
	if _, err := conn.Write([]byte("\n")); err != nil {
		return again{fmt.Errorf("greet the server: %w", err)}
	}
	lines := bufio.NewReaderSize(conn, 64<<10)
	answer, err := readLine(lines)
	if err != nil {
		return again{fmt.Errorf("the server has not answered the greeting: %w", err)}
	}
	if string(answer) != "OK\n" {
		return fmt.Errorf("the server answers the greeting with %s, not with OK", excerpt(answer))
	}
	greeted()
	for {
		if err := r.one(lines); err != nil {
			return err
		}
	}
}

// one reads a series.
func (r *lineReader) one(lines *bufio.Reader) error {
	line, err := r.start(lines)
	if err != nil {
		return err
	}
	header, err := readHeader(lines, line)
	if err != nil {
		return fmt.Errorf("in the header of a series: %w", err)
	}
	r.series++
	if !r.queue.put(header) {
		return errClosed
	}
	for n := 0; ; n++ {
		line, err := readLine(lines)
		if err != nil {
			return fmt.Errorf("after %d lines of a series that has not ended: %w", n, err)
		}
		if !r.queue.put(line) {
			return errClosed
		}
		if bytes.HasPrefix(line, []byte("END")) {
			return nil
		}
	}
}

// start drops lines up to the one that begins a series.
func (r *lineReader) start(lines *bufio.Reader) ([]byte, error) {
	for {
		line, err := readLine(lines)
		switch {
		case err != nil && r.series == 0:
			return nil, again{fmt.Errorf("no series has begun: %w", err)}
		case err != nil:
			return nil, fmt.Errorf("after %d series: %w", r.series, err)
		case bytes.HasPrefix(line, []byte("arm_time: ")):
			return line, nil
		}
		r.count.discards[NoStart].Add(1)
	}
}

// readHeader reads up to the next empty line.
func readHeader(lines *bufio.Reader, header []byte) ([]byte, error) {
	for {
		line, err := readLine(lines)
		if err != nil {
			return nil, err
		}
		header = append(header, line...)
		if len(header) > headerBytes {
			return nil, fmt.Errorf("it is longer than %d bytes", headerBytes)
		}
		if len(bytes.TrimSpace(line)) == 0 {
			return header, nil
		}
	}
}

// readLine reads a line with its newline, into memory of its own. A piece without
// newline at the end of the connection is no line.
func readLine(lines *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		piece, err := lines.ReadSlice('\n')
		line = append(line, piece...)
		switch {
		case err == nil:
			return line, nil
		case len(line) > lineBytes:
			return nil, fmt.Errorf("a line is longer than %d bytes", lineBytes)
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF):
			return nil, errors.New("the server has closed the connection")
		default:
			return nil, err
		}
	}
}
