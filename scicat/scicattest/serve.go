package scicattest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

const (
	// maxHead is the longest request line and headers, in bytes.
	maxHead = 16 << 10
	// keptBody is how much of a request's body Requests shows, in bytes.
	keptBody = 1 << 20
)

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if page := s.page(r); page != nil {
		page(w, r)
		return
	}
	body, bodyErr := s.readBody(r)
	fault, n := s.record(r, body)
	if fault != nil && !fault.wait(s.closed) {
		return
	}
	var reply answer
	switch {
	case fault == nil || fault.acts():
		reply = s.carryOut(r, body, bodyErr)
	default:
		reply = answer{http.StatusInternalServerError, nothing{}}
	}
	data := reply.encoded()
	if fault != nil {
		if fault.Cut == Before || fault.Cut == After {
			s.note(n, 0)
			cut(w)
			return
		}
		for name, value := range fault.Headers {
			w.Header().Set(name, value)
		}
		if fault.Status != 0 {
			reply.status, data = fault.Status, []byte(fault.Body)
		}
	}
	s.note(n, reply.status)
	if len(data) > 0 && w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.WriteHeader(reply.status)
	if fault != nil && fault.Cut == During {
		data = data[:len(data)/2]
	}
	if _, err := w.Write(data); err != nil || fault != nil && fault.Cut == During {
		cut(w)
	}
}

// carryOut finds the handler and runs it.
func (s *Server) carryOut(r *http.Request, body []byte, bodyErr error) answer {
	switch {
	case headSize(r) > maxHead:
		return answer{http.StatusRequestHeaderFieldsTooLarge, nothing{}}
	case errors.Is(bodyErr, errTooLong):
		return internalError()
	case bodyErr != nil:
		return exception(http.StatusBadRequest, bodyErr.Error())
	}
	handle, params, ok := s.find(r.Method, r.URL.EscapedPath())
	if !ok {
		return exception(http.StatusNotFound, "Cannot "+r.Method+" "+r.URL.EscapedPath())
	}
	c := &call{user: s.authenticate(r), query: r.URL.Query(), header: r.Header, params: params}
	if len(body) > 0 {
		if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
			c.notJSON = true
		} else if err := decodeJSON(body, &c.body); err != nil {
			return exception(http.StatusBadRequest, scriptError(string(body), err))
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	reply := handle(c)
	if s.opt.MaskPersonalInfo && !s.admin(c.user) {
		reply.body = mask(reply.body)
	}
	// Encoded under the lock: the body may share parts with what is stored.
	return answer{reply.status, frozen(reply)}
}

// frozen is the body as it is now.
func frozen(a answer) any {
	data := a.encoded()
	if data == nil {
		return nothing{}
	}
	return json.RawMessage(data)
}

func headSize(r *http.Request) int {
	n := len(r.RequestURI)
	for name, values := range r.Header {
		for _, v := range values {
			n += len(name) + len(v) + 4
		}
	}
	return n
}

var errTooLong = errors.New("request entity too large")

func (s *Server) readBody(r *http.Request) ([]byte, error) {
	var source io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			return nil, fmt.Errorf("incorrect header check: %w", err)
		}
		source = z
	}
	body, err := io.ReadAll(io.LimitReader(source, s.opt.MaxBody+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("request aborted: %w", err)
	case int64(len(body)) > s.opt.MaxBody:
		// The rest is taken in all the same, or the client would see its
		// connection reset instead of the answer.
		if _, err := io.Copy(io.Discard, source); err != nil {
			return nil, fmt.Errorf("request aborted: %w", err)
		}
		return body, errTooLong
	}
	return body, nil
}

// decodeJSON keeps numbers as they are written.
func decodeJSON(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(v); err != nil {
		return err
	}
	if d.More() {
		return errors.New("invalid character after top-level value")
	}
	return nil
}

// scriptError words a JSON error as JavaScript does.
func scriptError(text string, err error) string {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || strings.Contains(err.Error(), "unexpected end") {
		return "Unexpected end of JSON input"
	}
	message := err.Error()
	if _, rest, ok := strings.Cut(message, "invalid character "); ok {
		if c, err := strconv.Unquote(firstQuoted(rest)); err == nil {
			return fmt.Sprintf("Unexpected token '%s', \"%s\" is not valid JSON", c, text)
		}
	}
	return message
}

func firstQuoted(s string) string {
	if end := strings.Index(s[min(1, len(s)):], "'"); end >= 0 {
		return s[:end+2]
	}
	return s
}

var emailInside = regexp.MustCompile(`[^\s@;,"<>()]+@([A-Za-z0-9-]+\.)+[A-Za-z]{2,}`)

// mask hides what looks like an e-mail address, at any depth.
func mask(v any) any {
	switch v := v.(type) {
	case Document:
		out := Document{}
		for k, item := range v {
			out[k] = mask(item)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = mask(item)
		}
		return out
	case string:
		return emailInside.ReplaceAllString(v, "*****")
	}
	return v
}

// cut closes the connection under the client.
func cut(w http.ResponseWriter) {
	if h, ok := w.(http.Hijacker); ok {
		if conn, _, err := h.Hijack(); err == nil {
			// Whether closing fails does not matter: gone is gone.
			_ = conn.Close()
			return
		}
	}
	panic(http.ErrAbortHandler) // net/http's own way to abort an answer
}
