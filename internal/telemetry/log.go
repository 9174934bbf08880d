package telemetry

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/term"
)

// LogOptions say where log lines go and what each of them carries. Standard error
// always gets them.
type LogOptions struct {
	Program string // name in each line; default: that of the executable
	JobID   string // added to each line that has no job_id of its own; "" = none
	Level   string // DEBUG, INFO (default), WARNING, ERROR or CRITICAL, any case
	Prefix  string // first word of a full line; "" = none
	Verbose bool   // full lines on a terminal, too
	ASCII   bool   // write what is not ASCII as \u escapes
	// Queue has standard error written beside the work, too. It is for daemons, which
	// must go on and end although nobody reads it. A program that does one thing and
	// ends waits for its reader instead: then a line that was logged has been written,
	// whatever comes next, also a crash in a C library.
	Queue bool

	File          string // base name of a file, which gets _.log appended; "" = none
	FileTimestamp bool   // put the time of the start into its name
	FileMaxBytes  int64  // put a larger file aside (.1, .2, ...) and begin another; 0 = never
	FileKeep      int    // how many files put aside are kept

	Syslog         bool
	SyslogFacility string // default: user
	SyslogSocket   string // default: /dev/log

	GraylogHost     string // "" = no Graylog
	GraylogPort     int    // default: 12201
	GraylogProtocol string // udp (default) or tcp
	GraylogFacility string

	JournalSocket string           // where systemd's journal takes fields; default: its own
	Stderr        io.Writer        // default: os.Stderr
	Now           func() time.Time // time of the start; default: time.Now
}

func (o LogOptions) withDefaults() LogOptions {
	if o.Program == "" {
		o.Program = strings.TrimSuffix(os.Args[0][strings.LastIndexByte(os.Args[0], '/')+1:], ".test")
	}
	if o.Level == "" {
		o.Level = "INFO"
	}
	if o.SyslogFacility == "" {
		o.SyslogFacility = "user"
	}
	if o.SyslogSocket == "" {
		o.SyslogSocket = "/dev/log"
	}
	if o.JournalSocket == "" {
		o.JournalSocket = "/run/systemd/journal/socket"
	}
	if o.GraylogPort == 0 {
		o.GraylogPort = 12201
	}
	if o.GraylogProtocol == "" {
		o.GraylogProtocol = "udp"
	}
	if o.Stderr == nil {
		o.Stderr = os.Stderr
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

func (o LogOptions) validate() error {
	var faults []error
	if _, err := ParseLevel(o.Level); err != nil {
		faults = append(faults, err)
	}
	if !slices.Contains([]string{"udp", "tcp"}, o.GraylogProtocol) {
		faults = append(faults, fmt.Errorf("graylog protocol %q is neither udp nor tcp", o.GraylogProtocol))
	}
	if o.GraylogPort < 1 || o.GraylogPort > 65535 {
		faults = append(faults, fmt.Errorf("graylog port %d is not between 1 and 65535", o.GraylogPort))
	}
	return errors.Join(faults...)
}

// NewLogger makes the logger and starts what feeds file, system log and Graylog. The
// error is about the options only: a place that cannot be reached is one warning, and
// the program goes on. The function returned stops feeding after what is queued was
// written, but waits at most two seconds for each; call it at the end,
// or the last lines may be missing there. Standard error comes last: what is written
// there afterwards follows the log.
func NewLogger(o LogOptions) (*logrus.Logger, func() error, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, nil, err
	}
	log := logrus.New()
	log.Level, _ = ParseLevel(o.Level)
	full := lineFormatter{layout: fullLine, prefix: o.Prefix, program: o.Program, pid: os.Getpid(), ascii: o.ASCII}
	if o.JobID != "" {
		log.AddHook(jobHook(o.JobID))
	}
	closeStderr := logToStderr(o, log, stderrFormatter(o, full))

	var outlets []*outlet
	add := func(name string, s sink) {
		out := newOutlet(name, s, log)
		outlets = append(outlets, out)
		log.AddHook(out)
	}
	if o.File != "" {
		add("log file", &fileSink{
			path: logPath(o), format: full, most: o.FileMaxBytes, keep: o.FileKeep, patience: tornPatience, log: log,
		})
	}
	if o.Syslog {
		add("system log", newSyslogSink(o, log))
	}
	if o.GraylogHost != "" {
		add("Graylog", newGelfSink(o))
	}
	for _, out := range outlets {
		go out.run()
	}
	return log, sync.OnceValue(func() error {
		var faults []error
		for _, out := range outlets {
			faults = append(faults, out.close())
		}
		closeStderr() // last: the others may have something to say there
		return errors.Join(faults...)
	}), nil
}

// stderrFormatter suits whoever reads standard error: a person, the journal, or a file
// or pipe.
func stderrFormatter(o LogOptions, full lineFormatter) lineFormatter {
	f, isFile := o.Stderr.(*os.File)
	if !isFile {
		return full
	}
	switch {
	case isJournal(f, os.Getenv("JOURNAL_STREAM")):
		full.layout = journalLine
	case term.IsTerminal(int(f.Fd())) && !o.Verbose:
		full.layout = shortLine
		full.colour = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	}
	return full
}

// logPath is the name of the log file, as the peer builds it.
func logPath(o LogOptions) string {
	if !o.FileTimestamp {
		return o.File + "_.log"
	}
	now := o.Now()
	return fmt.Sprintf("%s_%s%06d_.log", o.File, now.Format("20060102150405"), now.Nanosecond()/1000)
}

// jobHook adds the job id to lines that have none.
type jobHook string

func (jobHook) Levels() []logrus.Level { return logrus.AllLevels }

func (j jobHook) Fire(e *logrus.Entry) error {
	if _, has := e.Data[jobIDField]; !has {
		// logrus hands a hook a copy of its own.
		e.Data[jobIDField] = string(j)
	}
	return nil
}

const jobIDField = "job_id"
