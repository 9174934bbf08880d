package telemetry

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/sirupsen/logrus"
)

const (
	// gelfChunk is the size of a datagram that passes any network whole.
	gelfChunk = 1420
	// gelfChunks is how many the format allows for one message.
	gelfChunks = 128
	gelfHeader = 12
	// gelfText bounds each text, so that a record as a whole stays below what the
	// chunks hold.
	gelfText = 32 << 10
	// gelfRenew is how soon a server is found that has another address now.
	gelfRenew = time.Minute
)

// gelfSink sends records to Graylog: GELF 1.1, over UDP compressed and in chunks, over
// TCP plain and ended by a zero byte.
type gelfSink struct {
	conn     lazyConn
	stream   bool
	host     string
	facility string
	format   lineFormatter
	packed   bytes.Buffer
	packer   *gzip.Writer
}

func newGelfSink(o LogOptions) *gelfSink {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	address := net.JoinHostPort(o.GraylogHost, strconv.Itoa(o.GraylogPort))
	s := &gelfSink{
		stream: o.GraylogProtocol == "tcp", host: host, facility: o.GraylogFacility,
		format: lineFormatter{layout: bareLine, program: o.Program, pid: os.Getpid()},
	}
	// The name is resolved anew each time: the server may have moved.
	if s.stream {
		dialer := net.Dialer{Timeout: sendLimit, Control: impatient}
		s.conn.dial = func() (net.Conn, error) { return dialer.Dial("tcp", address) }
	} else {
		dialer := net.Dialer{Timeout: sendLimit}
		s.conn.dial = func() (net.Conn, error) { return dialer.Dial("udp", address) }
		s.conn.renew = gelfRenew
	}
	return s
}

func (s *gelfSink) encode(e *logrus.Entry) ([]byte, error) {
	m := map[string]any{
		"version":       "1.1",
		"host":          s.host,
		"short_message": gelfLimit(e.Message),
		"timestamp":     json.Number(fmt.Sprintf("%.6f", float64(e.Time.UnixMicro())/1e6)),
		"level":         severity(e.Level),
		"_program":      s.format.program,
		"_pid":          s.format.pid,
	}
	if e.Message == "" {
		m["short_message"] = "-" // must not be empty
	}
	if s.facility != "" {
		m["facility"] = s.facility // where the peer puts it, and searches look for it
	}
	for name, value := range e.Data {
		m[gelfName(name)] = gelfValue(value)
	}
	return json.Marshal(m)
}

// gelfName is a field's name as GELF allows it; _id is reserved.
func gelfName(name string) string {
	clean := strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || r == '.' || r == '-') {
			return r
		}
		return '_'
	}, name)
	if clean == "id" {
		clean = "id_"
	}
	return "_" + clean
}

// gelfValue is a number or a text, as GELF allows no others.
func gelfValue(value any) any {
	switch v := value.(type) {
	case int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64:
		return v
	default:
		return gelfLimit(valueText(value))
	}
}

func gelfLimit(text string) string {
	if len(text) > gelfText {
		return text[:gelfText] + "..."
	}
	return text
}

func (s *gelfSink) write(records [][]byte) (int, error) {
	for i, r := range records {
		if err := s.send(r); err != nil {
			return i, err
		}
	}
	return len(records), nil
}

func (s *gelfSink) send(record []byte) error {
	if s.stream {
		return s.conn.send(append(slices.Clip(record), 0)) // it may be sent again
	}
	packed, err := s.pack(record)
	if err != nil {
		return err
	}
	chunks, err := gelfSplit(packed, rand.Uint64())
	if err != nil {
		return fmt.Errorf("%w: %w", errUnfit, err)
	}
	for _, c := range chunks {
		if err := s.conn.send(c); err != nil {
			return err
		}
	}
	return nil
}

// pack compresses a record; the result is valid until the next call.
func (s *gelfSink) pack(record []byte) ([]byte, error) {
	s.packed.Reset()
	if s.packer == nil {
		s.packer = gzip.NewWriter(&s.packed)
	}
	s.packer.Reset(&s.packed)
	_, err := s.packer.Write(record)
	if err = errors.Join(err, s.packer.Close()); err != nil {
		return nil, err
	}
	return s.packed.Bytes(), nil
}

// gelfSplit cuts a message into datagrams: magic bytes, id, number and count, content.
func gelfSplit(message []byte, id uint64) ([][]byte, error) {
	if len(message) <= gelfChunk {
		return [][]byte{message}, nil
	}
	const content = gelfChunk - gelfHeader
	count := (len(message) + content - 1) / content
	if count > gelfChunks {
		return nil, fmt.Errorf("a record of %d bytes is more than GELF takes", len(message))
	}
	chunks := make([][]byte, 0, count)
	for i := range count {
		chunk := make([]byte, 0, gelfChunk)
		chunk = append(chunk, 0x1e, 0x0f)
		chunk = binary.BigEndian.AppendUint64(chunk, id)
		chunk = append(chunk, byte(i), byte(count))
		chunk = append(chunk, message[i*content:min((i+1)*content, len(message))]...)
		chunks = append(chunks, chunk)
	}
	return chunks, nil
}

func (s *gelfSink) close() error { return s.conn.close() }
