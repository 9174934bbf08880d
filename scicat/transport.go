package scicat

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

// The backend drops a connection that idles for five seconds. Letting go of it
// earlier means that a POST never meets a connection that has just been closed.
const idleTimeout = 4 * time.Second

// maxRedirects is how far a GET follows.
const maxRedirects = 10

func newTransport(o Options) (*http.Transport, error) {
	t := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 30 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		ForceAttemptHTTP2:     true,
		IdleConnTimeout:       idleTimeout,
		MaxIdleConnsPerHost:   8,
		TLSHandshakeTimeout:   15 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
	if o.CAFile == "" && !o.InsecureSkipVerify {
		return t, nil
	}
	t.TLSClientConfig = &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: o.InsecureSkipVerify, // #nosec G402 -- asked for by name
	}
	if o.CAFile == "" {
		return t, nil
	}
	pem, err := os.ReadFile(o.CAFile)
	if err != nil {
		return nil, fmt.Errorf("scicat.ca_file: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		// Without a system store the given file is all there is to trust.
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("scicat.ca_file: %s holds no PEM certificate", o.CAFile)
	}
	t.TLSClientConfig.RootCAs = pool
	return t, nil
}

// followRedirect lets GETs follow, and takes the token off a request that
// leaves the catalogue's own origin. A POST is never repeated elsewhere: its
// redirect is the answer.
func (c *Client) followRedirect(req *http.Request, via []*http.Request) error {
	if via[0].Method != http.MethodGet || len(via) > maxRedirects {
		return http.ErrUseLastResponse
	}
	if !c.addr.own(req.URL) {
		req.Header.Del("Authorization")
		for name := range c.opt.Headers {
			req.Header.Del(name)
		}
	}
	return nil
}
