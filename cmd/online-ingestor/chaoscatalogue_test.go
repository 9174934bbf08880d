package main_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ingestor/scicat/scicattest"
)

// account is that of the daemons of a chaos run; its password is for those that
// log in, tokens from issue for those that read a file.
const account, password = "ingestor", "sesame-of-the-chaos-run"

// moodyCatalogue is slow, fails and cuts connections now and then. What becomes
// of a request depends on the seed and on which request of its file it is, so
// that a run is repeatable as far as the daemons' own timing lets it be.
type moodyCatalogue struct {
	*catalogue
	seed    uint64
	moody   map[string]int // by job: how the catalogue fails at it
	expired atomic.Int64   // tokens made before this second are no good
	issued  atomic.Int64

	mu    sync.Mutex
	seen  map[string]int      // requests so far, by what they ask for
	trail map[string][]string // what was asked about a job, and what became of it

	switching sync.Mutex // start and stop
}

func newMoodyCatalogue(t *testing.T, p *plan) *moodyCatalogue {
	t.Helper()
	s, err := scicattest.New(scicattest.Options{
		Users: []scicattest.User{{Name: account, Password: password, Groups: []string{"ingestor"}}},
		Roles: scicattest.DefaultRoles(),
	})
	if err != nil {
		t.Fatal(err)
	}
	m := &moodyCatalogue{
		catalogue: &catalogue{Server: s, t: t, address: "127.0.0.1:0"},
		seed:      p.seed, moody: map[string]int{}, seen: map[string]int{}, trail: map[string][]string{},
	}
	for _, msg := range p.messages {
		if msg.kind == moody {
			m.moody[msg.run.job] = msg.mood
		}
	}
	if err := m.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		m.stop()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// start and stop are for any goroutine.
func (m *moodyCatalogue) start() error {
	m.switching.Lock()
	defer m.switching.Unlock()
	l, err := net.Listen("tcp", m.address) //nolint:noctx // listening does not wait
	if err != nil {
		return err
	}
	m.address = l.Addr().String()
	m.server = &http.Server{Handler: m, IdleTimeout: 5 * time.Second, ReadHeaderTimeout: 10 * time.Second}
	go func(s *http.Server) { _ = s.Serve(l) }(m.server) // ends with stop
	return nil
}

func (m *moodyCatalogue) stop() {
	m.switching.Lock()
	defer m.switching.Unlock()
	m.catalogue.stop()
}

// issue makes a token unlike all before.
func (m *moodyCatalogue) issue() string {
	return m.TokenUntil(account, time.Now().Add(24*time.Hour+time.Duration(m.issued.Add(1))*time.Second))
}

// expire makes every token that was given before this second useless.
func (m *moodyCatalogue) expire() { m.expired.Store(time.Now().Unix()) }

var jobPattern = regexp.MustCompile(`7d4b2c1e-5a0f-4f7b-9a54-\d{12}`)

// ServeHTTP is the catalogue with its moods.
func (m *moodyCatalogue) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client has gone
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if issuedAt(r.Header.Get("Authorization")) < m.expired.Load() {
		r.Header.Del("Authorization") // as the real one, it takes such a client for a stranger
	}
	f := m.fate(r, body)
	note := m.begin(r, body, f)
	time.Sleep(f.before)
	if f.status != 0 {
		note("not carried out, answers", f.status)
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(f.status)
		_, _ = fmt.Fprintf(w, `{"statusCode":%d,"message":"the catalogue is in a mood"}`, f.status)
		return
	}
	if f.cut == scicattest.Before {
		note("not carried out, cut", 0)
		panic(http.ErrAbortHandler)
	}
	answer := httptest.NewRecorder()
	m.Server.ServeHTTP(answer, r)
	note("carried out, answers", answer.Code)
	time.Sleep(f.after)
	if f.cut == scicattest.After {
		panic(http.ErrAbortHandler)
	}
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	if text := answer.Body.Bytes(); f.cut == scicattest.During {
		_, _ = w.Write(text[:len(text)/2])
		panic(http.ErrAbortHandler)
	} else {
		_, _ = w.Write(text) // a client that has gone is its own affair
	}
}

// begin notes a request; the result notes what becomes of it.
func (m *moodyCatalogue) begin(r *http.Request, body []byte, f fate) func(what string, status int) {
	job := jobOf(r, body)
	return func(what string, status int) {
		if job == "" {
			return
		}
		line := fmt.Sprintf("%s %s %s: %s %d", stamp(time.Now()), r.Method, r.URL.RequestURI(), what, status)
		if f != (fate{}) {
			line += fmt.Sprintf(" (mood: %+v)", f)
		}
		m.mu.Lock()
		m.trail[job] = append(m.trail[job], line)
		m.mu.Unlock()
	}
}

func (m *moodyCatalogue) about(job string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.trail[job])
}

func jobOf(r *http.Request, body []byte) string {
	if job := jobPattern.FindString(r.URL.RequestURI()); job != "" {
		return job
	}
	return jobPattern.FindString(string(body))
}

// fate is what becomes of a request.
type fate struct {
	before, after time.Duration
	status        int
	cut           scicattest.Cut
}

// moods is how many ways there are to fail at a file, see tantrum.
const moods = 6

func (m *moodyCatalogue) fate(r *http.Request, body []byte) fate {
	if strings.HasSuffix(r.URL.Path, "/health") {
		return fate{}
	}
	job := jobOf(r, body)
	what := r.Method + " " + job + " " + r.URL.Path
	m.mu.Lock()
	m.seen[what]++
	nth := m.seen[what]
	m.mu.Unlock()
	if mood, is := m.moody[job]; is {
		if f, applies := tantrum(mood, r, nth); applies {
			return f
		}
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(what)) // a hash takes everything
	dice := rand.New(rand.NewPCG(m.seed^h.Sum64(), uint64(nth)))
	share, wait := dice.Float64(), time.Duration(100+dice.IntN(900))*time.Millisecond
	// Nothing is carried out later than the repair pauses of the children
	// (1.5 s): beyond that nobody can tell a slow request from a lost one.
	switch {
	case share < 0.050:
		return fate{before: wait}
	case share < 0.070:
		return fate{after: wait}
	case share < 0.080:
		return fate{status: http.StatusInternalServerError}
	case share < 0.085:
		return fate{status: http.StatusServiceUnavailable}
	case share < 0.088:
		return fate{status: http.StatusTooManyRequests}
	case share < 0.098:
		return fate{cut: scicattest.Before}
	case share < 0.103:
		return fate{cut: scicattest.After}
	case share < 0.108:
		return fate{cut: scicattest.During}
	case share < 0.110:
		return fate{after: 6 * time.Second} // longer than scicat.timeout
	default:
		return fate{}
	}
}

// tantrum fails at a file so often that at least one child gives up.
func tantrum(mood int, r *http.Request, nth int) (fate, bool) {
	dataset := r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/datasets")
	block := r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/origdatablocks")
	switch mood {
	case 0:
		return fate{status: http.StatusInternalServerError}, dataset && nth <= 2
	case 1:
		return fate{status: http.StatusBadGateway}, block && nth <= 2
	case 2:
		return fate{cut: scicattest.After}, dataset && nth <= 2
	case 3:
		return fate{cut: scicattest.After}, block && nth <= 2
	case 4:
		return fate{cut: scicattest.During}, block && nth <= 2
	default:
		return fate{status: http.StatusServiceUnavailable}, r.Method == http.MethodGet && nth <= 2
	}
}

// issuedAt is when a token was made, in seconds; 0 for anything else.
func issuedAt(header string) int64 {
	if part := strings.Split(header, "."); len(part) == 3 {
		if text, err := base64.RawURLEncoding.DecodeString(part[1]); err == nil {
			var c struct {
				Issued int64 `json:"iat"`
			}
			if json.Unmarshal(text, &c) == nil {
				return c.Issued
			}
		}
	}
	return 0
}
