package telemetry

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/sirupsen/logrus"
)

// syslogMost is how much of a record the system log gets; longer datagrams are
// refused by some.
const syslogMost = 8 << 10

// facilities are those of syslog(3), in the order of their numbers.
func facilities() []string {
	return []string{
		"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
		"", "", "", "", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
	}
}

// syslogSink writes datagrams to the local system log, in the form that syslog(3) has.
type syslogSink struct {
	conn     lazyConn
	facility int
	format   lineFormatter
}

// newSyslogSink takes an unknown facility for user, with a warning: as with every
// other place for log lines, no fault of it keeps the program from working.
func newSyslogSink(o LogOptions, log logrus.FieldLogger) *syslogSink {
	number := slices.Index(facilities(), o.SyslogFacility)
	if number < 0 {
		number = 1
		log.WithField("facility", o.SyslogFacility).Warn("The system log knows no such facility, user is taken instead")
	}
	return &syslogSink{
		facility: number,
		format:   lineFormatter{layout: bareLine, program: o.Program, pid: os.Getpid(), ascii: o.ASCII},
		conn: lazyConn{dial: func() (net.Conn, error) {
			return net.DialUnix("unixgram", nil, &net.UnixAddr{Name: o.SyslogSocket, Net: "unixgram"})
		}},
	}
}

func (s *syslogSink) encode(e *logrus.Entry) ([]byte, error) {
	line, err := s.format.Format(e)
	if err != nil {
		return nil, err
	}
	line = line[:len(line)-1]
	if len(line) > syslogMost {
		line = append(line[:syslogMost], "..."...)
	}
	head := fmt.Sprintf("<%d>%s %s[%d]: ", s.facility<<3|severity(e.Level), e.Time.Format(time.Stamp), s.format.program, s.format.pid)
	return append([]byte(head), line...), nil
}

func (s *syslogSink) write(records [][]byte) (int, error) {
	for i, r := range records {
		if err := s.conn.send(r); err != nil {
			if errors.Is(err, syscall.EMSGSIZE) {
				err = fmt.Errorf("%w: %w", errUnfit, err)
			}
			return i, err
		}
	}
	return len(records), nil
}

func (s *syslogSink) close() error { return s.conn.close() }
