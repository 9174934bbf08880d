package configs

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
)

// checkForwarder looks at the ingesters: those that frame-forwarder will run, or all
// of the file for another program.
func (l *loader) checkForwarder() {
	f := &l.config.Forwarder
	f.RedisDSN = l.plainRedis(f.RedisDSN)
	l.placeIngesters(f.Ingesters)
	if l.program == Frames && len(f.Ingesters) == 0 && len(l.problems) == 0 {
		l.problems = append(l.problems, Problem{Place: l.place("forwarder.ingesters"), Key: "forwarder.ingesters",
			Reason: "is needed, but not given; or name one stream with --stream"})
	}
	for n := range f.Ingesters {
		i := &f.Ingesters[n]
		i.Name = i.fullName()
		l.checkIngester(i)
		if i.Bind == "" {
			_, port, err := net.SplitHostPort(strings.TrimPrefix(i.URL, "tcp://"))
			if err == nil {
				i.Bind = "tcp://*:" + port
			}
		}
	}
	l.checkTogether(f.Ingesters)
}

// placeIngesters says where ingesters came from that no file gave.
func (l *loader) placeIngesters(all []Ingester) {
	const list = "forwarder.ingesters"
	place := l.place(list)
	for n := range all {
		i := &all[n]
		if strings.HasPrefix(i.places.path, "[") {
			i.places.own, i.places.path = place, list+i.places.path
		}
		for m := range i.Streams {
			if s := &i.Streams[m]; strings.HasPrefix(s.places.path, "[") {
				s.places.own, s.places.path = place, list+s.places.path
			}
		}
	}
}

// complain notes a fault of an ingester or stream at its place, unless there is one
// already.
func (l *loader) complain(p places, name, value, why string) {
	if value != "" {
		value = shown(value, false)
	}
	full := p.key(name)
	if full == "" || !l.faulty(full) {
		l.problems = append(l.problems, Problem{Place: p.at(name), Key: full, Value: value, Reason: why})
	}
}

func (l *loader) checkIngester(i *Ingester) {
	switch {
	case strings.Contains(i.Name, ":"):
		why := "must not hold a colon: Redis keys are made of it"
		if i.places.byName["name"] == "" && !l.set("name") {
			why += "; it follows from the streams, so give a name"
		}
		l.complain(l.named(i.places), "name", i.Name, why)
	case strings.ContainsFunc(i.Name, isControl):
		l.complain(l.named(i.places), "name", i.Name, "holds control characters")
	}
	if len(i.Streams) == 0 && !l.faultyIn(i.places.key("streams")) {
		l.complain(i.places, "streams", "", "is needed, but not given")
	}
	names := map[string]bool{}
	for n := range i.Streams {
		s := &i.Streams[n]
		switch {
		case s.Name == "":
			l.complain(s.places, "name", "", "is needed, but not given")
		case names[s.Name]:
			l.complain(s.places, "name", s.Name, "is the name of two streams of this ingester")
		}
		names[s.Name] = true
		l.checkStream(s)
	}
}

// named is where the name of an ingester came from.
func (l *loader) named(p places) places {
	if l.set("name") {
		p.byName = map[string]string{"name": l.origins["name"].place}
	}
	return p
}

func (l *loader) checkStream(s *Stream) {
	if l.stream == nil || l.faultyIn(s.places.path) {
		return
	}
	if err := l.stream(*s); err != nil {
		for why := range strings.Lines(err.Error()) {
			l.problems = append(l.problems, Problem{Place: s.places.at("source"), Key: s.places.path, Reason: strings.TrimSuffix(why, "\n")})
		}
	}
}

// faultyIn tells whether a fault of what lies at or below path is noted already.
func (l *loader) faultyIn(path string) bool {
	return path != "" && slices.ContainsFunc(l.problems, func(p Problem) bool {
		rest, is := strings.CutPrefix(p.Key, path)
		return is && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}

// checkTogether finds ingesters of one process that are in each other's way.
func (l *loader) checkTogether(all []Ingester) {
	names, binds, dumps := map[string]int{}, map[string]int{}, map[string]int{}
	streams := map[string]string{}
	for n := range all {
		i := &all[n]
		for _, one := range []struct {
			seen             map[string]int
			key, value, what string
		}{
			{names, "name", i.Name, "is the name of another ingester, too"},
			{binds, "url", i.Bind, "has the port of another ingester, too; each listens on its own"},
			{dumps, "dump_path", i.DumpPath, "is written by another ingester, too"},
		} {
			if one.value == "" || l.faultyIn(i.places.key(one.key)) {
				continue
			}
			if before, twice := one.seen[one.value]; twice {
				shownValue := one.value
				if one.key == "url" {
					shownValue = i.URL
				}
				l.complain(i.places, one.key, shownValue, fmt.Sprintf("%s (%s)", one.what, all[before].places.own))
			}
			one.seen[one.value] = n
		}
		for m := range i.Streams {
			s := &i.Streams[m]
			if other := streams[s.Name]; s.Name != "" && other != "" && other != i.Name {
				l.complain(s.places, "name", s.Name,
					"is a stream of "+other+", too; workers fail when two ingesters deliver one stream")
			}
			streams[s.Name] = i.Name
		}
		l.warnShared(i)
	}
}

// warnShared says when streams take each other's frames away: a PUSH upstream gives
// each frame to one of those that pull.
func (l *loader) warnShared(i *Ingester) {
	seen := map[string]string{}
	for n := range i.Streams {
		s := &i.Streams[n]
		pulls := strings.HasPrefix(strings.ToLower(s.Source), "zmqpull") || s.Declarative != nil && s.Declarative.Socket == "pull"
		if !pulls || s.UpstreamURL == "" {
			continue
		}
		if other := seen[s.UpstreamURL]; other != "" {
			l.warnings = append(l.warnings, Problem{Place: s.places.at("upstream_url"),
				Reason: fmt.Sprintf("streams %s and %s pull from the same upstream, %s, so each frame reaches only one of them; give %s an upstream of its own (--upstream-url once for each stream)",
					other, s.Name, s.UpstreamURL, s.Name)})
		}
		seen[s.UpstreamURL] = s.Name
	}
}

// plainRedis leaves out of the address what only the Python client understands.
func (l *loader) plainRedis(dsn string) string {
	u, err := url.Parse(dsn)
	if err != nil || u.RawQuery == "" {
		return dsn
	}
	q := u.Query()
	for name := range q {
		switch name {
		case "decode_responses": // the peers add it themselves
		case "encoding", "encoding_errors", "socket_timeout", "socket_connect_timeout", "socket_keepalive",
			"health_check_interval", "retry_on_timeout", "max_connections", "timeout":
			l.warn("forwarder.redis_dsn", "the option "+name+" is the Python client's and has no effect")
		default:
			continue
		}
		q.Del(name)
	}
	u.RawQuery = q.Encode()
	return u.String()
}
