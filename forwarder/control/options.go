package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/sirupsen/logrus"

	"ingestor/internal/fault"
)

// peerVersion is the version of the peers whose behaviour this package has.
const peerVersion = "0.2.0"

// Options configures a Follower.
type Options struct {
	// RedisURL is redis://[user:password@]host[:port][/db], the same with
	// rediss for TLS, or unix://[user:password@]/path[?db=n]. Required.
	RedisURL string
	// Name of the ingester, without colon; required.
	Name string
	// URL is where workers connect, tcp://host:port; required.
	URL string
	// Streams of the ingester, at least one.
	Streams []string
	// Version is published as dranspose_version; default "0.2.0".
	Version string
	// BuildMeta is published as mapreduce_version, an object that the peers can parse; nil for null.
	BuildMeta json.RawMessage
	// Handler is the pump; required.
	Handler Handler
	// Stats is what the pump tells about itself; required.
	Stats Stats
	// Log receives what happens; nil discards it.
	Log logrus.FieldLogger
}

func (o Options) withDefaults() Options {
	if o.Version == "" {
		o.Version = peerVersion
	}
	if o.Log == nil {
		silent := logrus.New()
		silent.SetOutput(io.Discard)
		o.Log = silent
	}
	if o.BuildMeta == nil {
		o.BuildMeta = json.RawMessage("null")
	}
	return o
}

func (o Options) validate() error {
	var faults []error
	switch {
	case o.Name == "":
		faults = append(faults, errors.New("the ingester has no name"))
	case strings.ContainsAny(o.Name, ":"):
		faults = append(faults, fmt.Errorf("name %q: a colon is not allowed, it separates the parts of Redis keys", o.Name))
	}
	if err := checkURL(o.URL); err != nil {
		faults = append(faults, err)
	}
	if len(o.Streams) == 0 {
		faults = append(faults, errors.New("no stream"))
	}
	for i, s := range o.Streams {
		if s == "" {
			faults = append(faults, errors.New("a stream without name"))
		}
		if slices.Contains(o.Streams[:i], s) {
			faults = append(faults, fmt.Errorf("stream %q is named twice", s))
		}
	}
	if o.Handler == nil {
		faults = append(faults, errors.New("no handler"))
	}
	if o.Stats == nil {
		faults = append(faults, errors.New("no statistics"))
	}
	if !json.Valid(o.BuildMeta) {
		faults = append(faults, errors.New("the build information is not JSON"))
	}
	if err := errors.Join(faults...); err != nil {
		return fault.Errorf(fault.BadConfiguration, "options of the ingester in Redis: %w", err)
	}
	return nil
}

// checkURL is as strict as the peers: what they can not parse they skip, or
// fall over.
func checkURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "tcp" || u.Hostname() == "" || u.User != nil {
		return fmt.Errorf("url %q: must be tcp://host:port, where workers reach the ingester", text)
	}
	if _, port, err := net.SplitHostPort(u.Host); err != nil {
		return fmt.Errorf("url %q: has no port", text)
	} else if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return fmt.Errorf("url %q: port must be 1 to 65535", text)
	}
	return nil
}
