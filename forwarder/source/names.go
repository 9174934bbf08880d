package source

import (
	"net/url"
	"slices"
	"strings"

	"ingestor/internal/fault"
)

// entry is one protocol: our name, the peers' class, and how it is made.
type entry struct {
	name, class string
	make        func(Settings) (Source, error)
}

// entries are all protocols. A source of your own is one more line.
func entries() []entry {
	return []entry{
		{"zmqpull_single", "ZmqPullSingleIngester", newSingle},
		{"zmqpull_eiger_legacy", "ZmqPullEigerLegacyIngester", newEigerLegacy},
		{"zmqsub_contrast", "ZmqSubContrastIngester", newContrast},
		{"zmqsub_xspress3", "ZmqSubXspressIngester", newXspress},
		{"zmqsub_pcap", "ZmqSubPCAPIngester", newPCAP},
		{"zmqsub_albaem", "ZmqSubAlbaemIngester", newAlbaem},
		{"zmqsub_lecroy", "ZmqSubLecroyIngester", newLecroy},
		{"tcp_positioncap", "TcpPcapIngester", newPositionCap},
		{"http_sardana", "HttpSardanaIngester", newSardana},
		{"software_trigger", "", newTrigger},
		{"declarative", "", newDeclarative},
	}
}

// Names are the protocols that New knows, by our names.
func Names() []string {
	var names []string
	for _, e := range entries() {
		names = append(names, e.name)
	}
	return names
}

// New makes the source that s describes; it connects to nothing. Errors are of the
// kind fault.BadConfiguration.
func New(s Settings) (Source, error) {
	if s.Connections == 0 {
		s.Connections = 1
	}
	// The peers name a class with its module or without.
	name := s.Source
	if i := strings.LastIndexAny(name, ":."); i >= 0 && strings.HasSuffix(name, "Ingester") {
		name = name[i+1:]
	}
	if name == "dranspose.ingesters.http_sardana:app" {
		name = "http_sardana"
	}
	for _, e := range entries() {
		if strings.EqualFold(name, e.name) || (e.class != "" && strings.EqualFold(name, e.class)) {
			return e.make(s)
		}
	}
	return nil, fault.Errorf(fault.BadConfiguration, "stream %q: no source is called %q%s; there are %s",
		s.Stream, s.Source, nearest(name), strings.Join(Names(), ", "))
}

// nearest proposes the known name that a wrong one most resembles.
func nearest(name string) string {
	best, distance := "", len(name)/2+1
	for _, e := range entries() {
		for _, known := range []string{e.name, e.class} {
			if d := edits(strings.ToLower(name), strings.ToLower(known)); d < distance {
				best, distance = known, d
			}
		}
	}
	if best == "" {
		return ""
	}
	return ` (did you mean "` + best + `"?)`
}

// edits is the number of letters to change, add or leave out to get from a to b.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// checkURL refuses an upstream URL that has none of the schemes, or lacks a host.
func checkURL(s Settings, schemes ...string) (*url.URL, error) {
	u, err := url.Parse(s.URL)
	switch {
	case s.URL == "":
		return nil, fault.Errorf(fault.BadConfiguration, "stream %q: %s needs an upstream URL such as %s://host:port", s.Stream, s.Source, schemes[0])
	case err != nil:
		return nil, fault.Errorf(fault.BadConfiguration, "stream %q: the upstream URL %q can not be read: %w", s.Stream, s.URL, err)
	case !slices.Contains(schemes, u.Scheme):
		return nil, fault.Errorf(fault.BadConfiguration, "stream %q: %s takes an upstream URL of %s, not %q", s.Stream, s.Source, strings.Join(schemes, " or "), s.URL)
	case (u.Scheme == "tcp" || u.Scheme == "http") && u.Hostname() == "":
		return nil, fault.Errorf(fault.BadConfiguration, "stream %q: the upstream URL %q names no host", s.Stream, s.URL)
	case u.Scheme == "tcp" && u.Port() == "":
		return nil, fault.Errorf(fault.BadConfiguration, "stream %q: the upstream URL %q names no port", s.Stream, s.URL)
	}
	return u, nil
}

// single refuses more than one connection where the protocol has no use for them.
func single(s Settings) error {
	if s.Connections != 1 {
		return fault.Errorf(fault.BadConfiguration, "stream %q: %d upstream connections: %s works with one, more are for protocols that pull and number their frames", s.Stream, s.Connections, s.Source)
	}
	return nil
}
