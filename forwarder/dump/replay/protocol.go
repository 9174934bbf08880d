package replay

import (
	"context"
	"net/url"

	"ingestor/internal/fault"
)

// Protocol is how a stream's upstream speaks.
type Protocol string

// The protocols.
const (
	Push Protocol = "push" // ZeroMQ PUSH, bound
	Pub  Protocol = "pub"  // ZeroMQ PUB, bound
	TCP  Protocol = "tcp"  // a server of lines
	HTTP Protocol = "http" // a client that posts
)

// Protocols are all of them.
func Protocols() []string { return []string{string(Push), string(Pub), string(TCP), string(HTTP)} }

// ProtocolOf is how the upstream of a typ speaks; "" for a typ that is not known.
func ProtocolOf(typ string) Protocol {
	switch typ {
	case typStins, typEiger:
		return Push
	case typContrast, typXspress, typPCAP, typAlbaem, typLecroy:
		return Pub
	case typPCAPRaw:
		return TCP
	case typSardana:
		return HTTP
	}
	return ""
}

// sender sends the messages of one stream.
type sender interface {
	// send waits until somebody takes the message, or ctx ends.
	send(ctx context.Context, parts [][]byte) error
	// finish waits until all was taken, or ctx ends, and closes.
	finish(ctx context.Context) error
}

// open makes the sender of a stream. peers is how many receivers have to be
// there before the first message is sent.
func open(ctx context.Context, stream string, p Protocol, address string, peers int) (s sender, err error) {
	u, err := url.Parse(address)
	want := "tcp"
	if p == HTTP {
		want = "http"
	}
	if err != nil || u.Host == "" || u.Scheme != want && (p != HTTP || u.Scheme != "https") {
		return nil, fault.Errorf(fault.Usage, "stream %s: %q is no address for protocol %s: it looks like %s://127.0.0.1:9999", stream, address, p, want)
	}
	switch p {
	case HTTP:
		return newPoster(u), nil
	case TCP:
		s, err = newLines(ctx, host(u))
	default:
		s, err = newZMTP(ctx, p, host(u), peers)
	}
	if err != nil {
		return nil, fault.Errorf(fault.Unavailable, "stream %s: %w", stream, err)
	}
	return s, nil
}

// host is where to listen: * means everywhere, as in ZeroMQ.
func host(u *url.URL) string {
	if u.Hostname() == "*" {
		return ":" + u.Port()
	}
	return u.Host
}
