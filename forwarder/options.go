package forwarder

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"runtime"
	"strings"
	"time"

	"github.com/sirupsen/logrus"

	"ingestor/forwarder/dump"
	"ingestor/forwarder/source"
	"ingestor/internal/fault"
)

// Bounds and defaults of the options.
const (
	DefaultQueueBytes = 256 << 20
	// MinQueueBytes leaves room for some large frames.
	MinQueueBytes     = 1 << 20
	DefaultWorkerHold = 10 * time.Second
	// A worker that restarts needs some seconds; a scan that waits for one that is
	// gone for good should not wait for minutes.
	MinWorkerHold = 5 * time.Second
	MaxWorkerHold = 30 * time.Second
)

// Options say what an Ingester is.
type Options struct {
	// Name stands in Redis: dranspose:ingester:<Name>:config.
	Name string
	// URL is where workers connect: tcp://host:port.
	URL string
	// Bind is where the ingester listens; empty means all interfaces at URL's port.
	Bind string
	// Streams are what it forwards, at least one.
	Streams []source.Settings
	// RedisURL is that of the controller's Redis.
	RedisURL string
	// BuildMeta goes into the config key as mapreduce_version; nil means null.
	BuildMeta json.RawMessage
	// DumpPath is a file to which every event is appended; empty leaves it to the
	// controller's parameter dump_prefix.
	DumpPath string
	// QueueBytes bounds what waits in the process, in bytes.
	QueueBytes int64
	// WorkerHold is how long messages wait for a worker that is away.
	WorkerHold time.Duration
	// IOThreads move bytes between network and memory; 0 means 1.
	IOThreads int
	// CPUs are those that the pump and the I/O threads may run on; none means all.
	CPUs []int
	Log  logrus.FieldLogger
}

// complete fills in defaults and lists every fault.
func (o *Options) complete() error {
	if o.QueueBytes == 0 {
		o.QueueBytes = DefaultQueueBytes
	}
	if o.WorkerHold == 0 {
		o.WorkerHold = DefaultWorkerHold
	}
	if o.IOThreads == 0 {
		o.IOThreads = 1
	}
	if o.Log == nil {
		quiet := logrus.New()
		quiet.SetOutput(io.Discard)
		o.Log = quiet
	}
	var faults []error
	add := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	switch {
	case o.Name == "":
		add("the ingester has no name")
	case strings.Contains(o.Name, ":"):
		add("ingester %q: a name has no colon, which separates the parts of a key in Redis", o.Name)
	}
	u, err := url.Parse(o.URL)
	switch {
	case err != nil || u.Scheme != "tcp" || u.Hostname() == "" || u.Port() == "":
		add("ingester %q: url %q is not of the form tcp://host:port", o.Name, o.URL)
	case o.Bind == "":
		o.Bind = "tcp://*:" + u.Port()
	}
	if len(o.Streams) == 0 {
		add("ingester %q has no streams", o.Name)
	}
	seen := map[string]bool{}
	for _, s := range o.Streams {
		switch {
		case s.Stream == "":
			add("ingester %q: a stream has no name", o.Name)
		case seen[s.Stream]:
			add("ingester %q: stream %q is there twice", o.Name, s.Stream)
		}
		seen[s.Stream] = true
	}
	if o.QueueBytes < MinQueueBytes {
		add("ingester %q: %d bytes of queue are too few: at least %d", o.Name, o.QueueBytes, MinQueueBytes)
	}
	if o.WorkerHold < MinWorkerHold || o.WorkerHold > MaxWorkerHold {
		add("ingester %q: a worker is held for %s to %s, not %s", o.Name, MinWorkerHold, MaxWorkerHold, o.WorkerHold)
	}
	if o.DumpPath != "" {
		if err := dump.Check(o.DumpPath); err != nil {
			faults = append(faults, err)
		}
	}
	for _, c := range o.CPUs {
		if c < 0 || c >= 1024 {
			add("ingester %q: CPU %d does not exist; this machine has %d", o.Name, c, runtime.NumCPU())
		}
	}
	if len(faults) > 0 {
		return fault.New(fault.BadConfiguration, errors.Join(faults...))
	}
	return nil
}
