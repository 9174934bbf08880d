package scicat

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"ingestor/internal/fault"
)

// ErrExists is wrapped by the error of a POST that the catalogue answers with
// 409: what was to be made is there already.
var ErrExists = errors.New("exists already")

// ErrUnreadable is wrapped by the error of a listing that the account may not
// see although its token is good.
var ErrUnreadable = errors.New("this account may not read it")

// ErrNoPID is wrapped by the error of a POST that made a dataset whose pid only
// the catalogue knows.
var ErrNoPID = errors.New("the answer names no pid")

// NotDone says that the POST that gave err has certainly changed nothing: it was
// refused, or never sent. Where it is false nobody knows.
func NotDone(err error) bool {
	var e notDone
	return errors.As(err, &e)
}

// notDone marks an error for NotDone.
type notDone struct{ error }

func (e notDone) Unwrap() error { return e.error }

// FieldError is one complaint of the catalogue about what was sent.
type FieldError struct {
	// Field is the path of the field, such as dataFileList.0.time; empty when
	// the catalogue does not say.
	Field string
	// Problem is the catalogue's own sentence, such as "owner must be a string".
	Problem string
}

// APIError is an answer of the catalogue that is not a success.
type APIError struct {
	Method string
	// Path is path and query. Scheme and host stand before it where it matters
	// who answered: not the catalogue's own, or a server's error.
	Path   string
	Status int
	// Message is one line made of whatever the body holds; empty when it is.
	Message string
	// Fields are the complaints about single fields, where the body lists them.
	Fields []FieldError
	// RetryAfter is the pause that the catalogue asks for; 0 when it does not.
	RetryAfter time.Duration

	token *string // the one that was sent; a pointer, which no verb follows
}

func (e *APIError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "catalogue: %s %s: %d", e.Method, e.Path, e.Status)
	if text := http.StatusText(e.Status); text != "" {
		b.WriteString(" " + text)
	}
	if e.Message != "" && !strings.EqualFold(strings.TrimRight(e.Message, "."), http.StatusText(e.Status)) {
		b.WriteString(": " + e.Message)
	}
	return b.String()
}

// Is makes a 409 match ErrExists.
func (e *APIError) Is(target error) bool {
	return target == ErrExists && e.Status == http.StatusConflict
}

// apiError makes the error of an answer that is not what was hoped for.
func (c *Client) apiError(r request, rep *reply) *APIError {
	message, fields := decodeErrorBody(rep.body)
	e := &APIError{
		Method: r.method, Path: c.addr.shown(r.url), Status: rep.status,
		Message: c.blank(message, r.secret, rep.token), Fields: fields, RetryAfter: retryAfter(rep.header, time.Now()),
		token: &rep.token,
	}
	if rep.status >= 500 {
		e.Path = c.addr.whole(r.url)
	}
	for i := range e.Fields {
		e.Fields[i].Problem = c.blank(e.Fields[i].Problem, r.secret, rep.token)
	}
	return e
}

// blank takes secrets out of a foreign text: gateways like to repeat requests.
func (c *Client) blank(s, secret, token string) string {
	if secret != "" {
		s = strings.ReplaceAll(s, secret, "***")
	}
	for _, secret := range c.secrets {
		s = strings.ReplaceAll(s, secret, "***")
	}
	if len(token) >= 4 {
		s = strings.ReplaceAll(s, token, "***")
	}
	return s
}

// transient says that the same request may well succeed later.
func transient(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return false
	}
	return status >= 500
}

// classify gives the kind to an answer that is final.
func classify(e *APIError) error {
	switch {
	case transient(e.Status):
		return fault.New(fault.Unavailable, e)
	case e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden:
		return fault.New(fault.NotPermitted, e)
	case e.Status >= 300 && e.Status < 400:
		return fault.Errorf(fault.BadConfiguration, "%w (redirected: is scicat.host right?)", e)
	case e.Status == http.StatusNotFound && strings.HasPrefix(e.Message, "Cannot "):
		// The router's words, not a controller's: there is no such endpoint.
		return fault.Errorf(fault.BadConfiguration, "%w (are scicat.host and scicat.api_endpoints right?)", e)
	}
	return fault.New(fault.BadInput, e)
}

// unavailable marks the last failure of a call that was tried often enough.
func unavailable(err error, tries int) error {
	if tries > 1 {
		return fault.Errorf(fault.Unavailable, "%w (tried %d times)", err, tries)
	}
	return fault.New(fault.Unavailable, err)
}

// neverSent says that a request failed before any of it left.
func neverSent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// noConnection describes why there is no connection to a host, by the reason
// alone; nil when that is not what err says. The address is told where it can
// not be seen in the host: it may be a proxy's.
func noConnection(host string, err error) error {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "dial" {
		return nil
	}
	reason := op.Err
	var dns *net.DNSError
	var call *os.SyscallError
	switch {
	case errors.As(op.Err, &dns):
		reason = errors.New(dns.Err)
	case errors.As(op.Err, &call):
		reason = call.Err
	}
	if op.Addr != nil && op.Addr.String() != host {
		host += " (" + op.Addr.String() + ")"
	}
	return fmt.Errorf("can not connect to %s: %w", host, reason)
}

func badCertificate(err error) bool {
	var (
		verify    *tls.CertificateVerificationError
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
	)
	return errors.As(err, &verify) || errors.As(err, &authority) || errors.As(err, &host) || errors.As(err, &invalid)
}
