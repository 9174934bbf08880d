package control

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"ingestor/internal/fault"
	"ingestor/internal/redistest"
)

// scan goes through one scan and the end.
func (r *rig) scan() {
	r.t.Helper()
	r.launch()
	r.eventually("the state is published", func() bool { return r.config() != nil })
	v := r.setParameter("p", "1")
	id := uuid.New()
	r.write(entry{mapping: id, active: []string{"x"}, parameters: map[string]uuid.UUID{"p": v}})
	r.acknowledged(id)
	r.hash(hashOf(v))
	r.assign(id, one(0, `"x":["w"]`))
	r.wantsEvents(id, "0[w]")
	r.write(entry{mapping: id, finished: true})
	r.eventually("the answer", func() bool { return len(r.ready(id)) == 1 })
	r.must(r.stop())
	if r.config() != nil {
		r.t.Error("the state was not deleted")
	}
}

func TestRedisURL_WaysToTheServer(t *testing.T) {
	for name, url := range map[string]func(s *redistest.Server) string{
		"RESP3":       func(s *redistest.Server) string { return s.URL() + "?protocol=3" },
		"unix socket": func(s *redistest.Server) string { return s.UnixURL() },
		"TLS": func(s *redistest.Server) string {
			p := newProxy(t, s.Addr(), certificate(t))
			return strings.Replace(strings.Replace(s.URL(), "redis:", "rediss:", 1), s.Addr(), p.addr, 1) + "?skip_verify=true"
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := redistest.Start(t, redistest.Options{Password: secret})
			newRigOn(t, server, func(o *Options) { o.RedisURL = url(server) }).scan()
		})
	}
}

func TestRedisURL_AnotherDatabaseAndUser(t *testing.T) {
	server := redistest.Start(t, redistest.Options{})
	if err := server.Client().Do(t.Context(), "ACL", "SETUSER", "u", "on", ">pw", "~*", "+@all").Err(); err != nil {
		t.Fatal(err)
	}
	r := newRigOn(t, server, func(o *Options) { o.RedisURL = "redis://u:pw@" + server.Addr() + "/7" })
	r.must(r.c.Close())
	r.c = server.ClientOf(7)
	r.scan()
}

func TestRedisURL_AServerThatKnowsNoHELLO(t *testing.T) {
	for _, query := range []string{"", "?protocol=3"} {
		server := redistest.Start(t, redistest.Options{Password: secret, Args: []string{"--rename-command", "HELLO", ""}})
		newRigOn(t, server, func(o *Options) { o.RedisURL = server.URL() + query }).scan()
	}
}

func TestOutage_AServerThatIsStillLoading(t *testing.T) {
	server := redistest.Start(t, redistest.Options{})
	p := newProxy(t, server.Addr(), nil)
	p.loading.Store(true)
	r := newRigOn(t, server, func(o *Options) { o.RedisURL = "redis://" + p.addr })
	r.launch()
	r.eventually("it is told", func() bool { return strings.Contains(r.logs.String(), "LOADING") })
	p.loading.Store(false)
	r.eventually("the state is published", func() bool { return r.config() != nil })
	r.mapped("x")
}

func TestNew_FaultsAreListedAndNoPasswordIsShown(t *testing.T) {
	for _, url := range []string{
		"", "s3cr", "http://:s3cr@h", "redis://:s3cr@h:x", "redis://:s3cr#x@h:6379", "redis://:s3cr/x@h:6379",
		"redis://:s3cr@h/db", "redis://:s3cr%zz@h", "redis://h/0?password=s3cr", "unix://:s3cr@", "redis://:s3 cr@h",
	} {
		p := newPump()
		_, err := New(Options{RedisURL: url, Name: "n", URL: "tcp://h:1", Streams: []string{"x"}, Handler: p, Stats: p})
		if fault.KindOf(err) != fault.BadConfiguration {
			t.Errorf("%q: %v", url, err)
		} else if strings.Contains(err.Error(), "s3") {
			t.Errorf("%q: the error shows a password: %v", url, err)
		}
	}
	_, err := New(Options{RedisURL: "redis://h", Name: "a:b", URL: "http://h", Streams: []string{"x", "", "x"}, BuildMeta: []byte("{")})
	if fault.KindOf(err) != fault.BadConfiguration {
		t.Fatal(err)
	}
	for _, want := range []string{`name "a:b"`, `url "http://h"`, "without name", "named twice", "no handler", "no statistics", "build information"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("not told: %s in %v", want, err)
		}
	}
	for _, url := range []string{"tcp://h", "tcp://:1", "tcp://h:0", "tcp://h:65536", "tcp://u@h:1"} {
		if checkURL(url) == nil {
			t.Errorf("%s was taken", url)
		}
	}
	for _, url := range []string{"tcp://127.0.0.1:10000", "tcp://[::1]:1", "tcp://host:65535"} {
		if err := checkURL(url); err != nil {
			t.Error(err)
		}
	}
}
