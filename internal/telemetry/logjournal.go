package telemetry

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"

	"github.com/sirupsen/logrus"
)

// isJournal tells whether f itself is connected to systemd's journal, of which stream
// (JOURNAL_STREAM) holds device and inode. Children inherit the variable but may have
// another standard error.
func isJournal(f *os.File, stream string) bool {
	if stream == "" {
		return false
	}
	info, err := f.Stat()
	if err != nil {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && fmt.Sprintf("%d:%d", stat.Dev, stat.Ino) == stream
}

// journal is a hook, or the sink of one, that takes the place of standard error where
// that is systemd's journal: each record goes there with its fields, so that `journalctl JOB_ID=...`
// finds it. What the journal does not take so, it gets as a line on standard error.
type journal struct {
	program string
	line    lineFormatter
	stderr  io.Writer

	mu   sync.Mutex
	conn lazyConn
}

func newJournal(o LogOptions, line lineFormatter) *journal {
	return &journal{
		program: o.Program, line: line, stderr: o.Stderr,
		conn: lazyConn{dial: func() (net.Conn, error) {
			return net.DialUnix("unixgram", nil, &net.UnixAddr{Name: o.JournalSocket, Net: "unixgram"})
		}},
	}
}

// Levels implements logrus.Hook.
func (*journal) Levels() []logrus.Level { return logrus.AllLevels }

// Fire implements logrus.Hook, for a program that writes its log by itself.
func (j *journal) Fire(e *logrus.Entry) error {
	r, err := j.encode(e)
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	_, err = j.write([][]byte{r})
	return err
}

// encode gives both forms of e: the journal's own, with its length before it, and
// the line.
func (j *journal) encode(e *logrus.Entry) ([]byte, error) {
	line, err := j.line.Format(e)
	if err != nil {
		return nil, err
	}
	record := j.record(e, line)
	return append(append(binary.AppendUvarint(nil, uint64(len(record))), record...), line...), nil
}

func (j *journal) write(records [][]byte) (int, error) {
	for i, r := range records {
		length, start := binary.Uvarint(r)
		line := r[start+int(length):]
		if j.conn.send(r[start:len(r)-len(line)]) == nil {
			continue
		}
		if _, err := j.stderr.Write(line); err != nil {
			return i, err
		}
	}
	return len(records), nil
}

func (j *journal) close() error { return j.conn.close() }

// record is e in the journal's own protocol. MESSAGE is the same line as on
// standard error, for who reads without asking for fields.
func (j *journal) record(e *logrus.Entry, line []byte) []byte {
	text := string(line[:len(line)-1])
	if strings.HasPrefix(text, "<") { // the severity
		text = text[strings.IndexByte(text, '>')+1:]
	}
	b := appendField(nil, "MESSAGE", text)
	b = appendField(b, "PRIORITY", fmt.Sprint(severity(e.Level)))
	b = appendField(b, "SYSLOG_IDENTIFIER", j.program)
	for name, value := range e.Data {
		b = appendField(b, journalName(name), valueText(value))
	}
	return b
}

// appendField writes NAME=value, or the form with a length where the value has
// several lines.
func appendField(b []byte, name, value string) []byte {
	b = append(b, name...)
	if strings.IndexByte(value, '\n') < 0 {
		b = append(b, '=')
	} else {
		b = binary.LittleEndian.AppendUint64(append(b, '\n'), uint64(len(value)))
	}
	return append(append(b, value...), '\n')
}

// journalNameMost is how long the journal lets a name be.
const journalNameMost = 64

// journalName is a field's name as the journal allows it: JOB_ID for job_id. Those
// that mean something to the journal are marked as ours.
func journalName(name string) string {
	clean := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		default:
			return '_'
		}
	}, name)
	switch clean {
	case "MESSAGE", "MESSAGE_ID", "PRIORITY", "SYSLOG_IDENTIFIER", "SYSLOG_FACILITY", "SYSLOG_PID", "SYSLOG_TIMESTAMP", "ERRNO", "DOCUMENTATION":
		clean = "INGESTOR_" + clean
	}
	if clean == "" || clean[0] == '_' || clean[0] >= '0' && clean[0] <= '9' {
		clean = "INGESTOR_" + clean
	}
	return clean[:min(len(clean), journalNameMost)]
}

// nothing formats what nobody gets.
type nothing struct{}

func (nothing) Format(*logrus.Entry) ([]byte, error) { return nil, nil }
