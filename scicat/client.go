package scicat

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"ingestor/internal/fault"
)

// Defaults of Options.
const (
	DefaultTimeout       = 90 * time.Second
	DefaultMaxRetries    = 5
	DefaultRetryDelay    = 500 * time.Millisecond
	DefaultRetryMaxDelay = 30 * time.Second
	DefaultUserAgent     = "ingestor"
)

// Options are the settings of a Client. Only BaseURL has no default.
type Options struct {
	// BaseURL is the root of the API, such as https://scicat.site/api/v3. A
	// trailing slash does not matter.
	BaseURL string
	// Token gives the bearer token; nil makes anonymous requests.
	Token TokenSource
	// Headers go with every request to the catalogue's own host. They may
	// replace User-Agent; Authorization only counts while there is no token.
	Headers map[string]string
	// Endpoints renames the endpoints datasets, proposals, origdatablocks,
	// instruments and samples. Each is a path below BaseURL, with or without
	// a leading slash (differences.md D18).
	Endpoints map[string]string
	// HealthEndpoint is an absolute URL or a path below BaseURL; default health.
	HealthEndpoint string
	// Timeout is for one attempt of one request, body included; 0 is 90 s.
	Timeout time.Duration
	// CAFile names a file of PEM certificates that are trusted besides the
	// system's own.
	CAFile string
	// InsecureSkipVerify switches the verification of certificates off.
	InsecureSkipVerify bool
	// MaxRetries is how often one call is tried again; 0 is 5, negative is none.
	MaxRetries int
	// RetryDelay and RetryMaxDelay are the first and the longest pause between
	// attempts; 0 is 500 ms and 30 s.
	RetryDelay, RetryMaxDelay time.Duration
	// UserAgent names the program; default ingestor.
	UserAgent string
	// Log gets retries at info level and requests at debug level; nil discards.
	Log logrus.FieldLogger
}

func (o Options) withDefaults() Options {
	if o.Token == nil {
		o.Token = StaticToken("")
	}
	if o.HealthEndpoint == "" {
		o.HealthEndpoint = "health"
	}
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	switch {
	case o.MaxRetries == 0:
		o.MaxRetries = DefaultMaxRetries
	case o.MaxRetries < 0:
		o.MaxRetries = 0
	}
	if o.RetryDelay == 0 {
		o.RetryDelay = DefaultRetryDelay
	}
	if o.RetryMaxDelay == 0 {
		o.RetryMaxDelay = max(DefaultRetryMaxDelay, o.RetryDelay)
	}
	if o.UserAgent == "" {
		o.UserAgent = DefaultUserAgent
	}
	if o.Log == nil {
		l := logrus.New()
		l.SetOutput(io.Discard)
		o.Log = l
	}
	return o
}

func (o Options) check() error {
	var faults []error
	if o.Timeout < 0 || o.RetryDelay < 0 || o.RetryMaxDelay < 0 {
		faults = append(faults, errors.New("time-out and retry delays must not be negative"))
	}
	if o.RetryDelay > o.RetryMaxDelay {
		faults = append(faults, fmt.Errorf("retry delay %v is longer than the longest retry delay %v", o.RetryDelay, o.RetryMaxDelay))
	}
	for _, name := range slices.Sorted(maps.Keys(o.Headers)) {
		// The value may be a secret: only its name is shown.
		if !validHeaderName(name) || !validHeaderValue(o.Headers[name]) {
			faults = append(faults, fmt.Errorf("additional header %q can not be sent", name))
		}
	}
	return errors.Join(faults...)
}

// Client talks to one catalogue. It is safe for concurrent use.
type Client struct {
	opt     Options
	addr    *addresses
	http    *http.Client
	secrets []string

	// checked guards what the last successful token check was about.
	checked   sync.Mutex
	good      string
	goodUntil time.Time
}

// New makes a client; nothing is sent yet. All faults of the options are listed
// in one error of kind BadConfiguration.
func New(o Options) (*Client, error) {
	o = o.withDefaults()
	addr, addrErr := newAddresses(o.BaseURL, o.HealthEndpoint, o.Endpoints)
	transport, tlsErr := newTransport(o)
	if err := errors.Join(addrErr, tlsErr, o.check()); err != nil {
		return nil, fault.Errorf(fault.BadConfiguration, "settings of the catalogue: %s", oneLine(err.Error()))
	}
	c := &Client{opt: o, addr: addr}
	for _, value := range o.Headers {
		// Short values such as "yes" are no secrets, and blanking them would
		// garble messages.
		if len(value) >= 8 {
			c.secrets = append(c.secrets, value)
		}
	}
	c.http = &http.Client{Transport: transport, CheckRedirect: c.followRedirect}
	return c, nil
}

// Close lets go of the idle connections; the client stays usable.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// oneLine joins the lines that errors.Join makes.
func oneLine(s string) string { return strings.ReplaceAll(s, "\n", "; ") }

// validHeaderName follows RFC 9110: a token.
func validHeaderName(s string) bool {
	const separators = "()<>@,;:\\\"/[]?={} \t"
	for _, r := range s {
		if r <= ' ' || r >= 0x7f || strings.ContainsRune(separators, r) {
			return false
		}
	}
	return s != ""
}

// validHeaderValue follows RFC 9110: no control characters but tab.
func validHeaderValue(s string) bool {
	for i := range len(s) {
		if b := s[i]; b == 0x7f || b < ' ' && b != '\t' {
			return false
		}
	}
	return true
}
