package scicattest

import (
	"net/http"
	"net/url"
	"strings"
)

// apiRoot is the path of version 3.
const apiRoot = "/api/v3"

// call is one request on its way through a handler, which holds Server.mu.
type call struct {
	user   *account
	query  url.Values
	header http.Header
	// params are the segments that the route leaves open, decoded.
	params []string
	body   any // decoded JSON; nil when there was none
	// notJSON says that the content type was another.
	notJSON bool
}

// object is the body as an object.
func (c *call) object() Document {
	d, _ := c.body.(Document)
	return d
}

type route struct {
	method  string
	pattern []string // segments; * is any one
	handle  func(*call) answer
}

func (s *Server) table() []route {
	var out []route
	add := func(method, pattern string, handle func(*call) answer) {
		out = append(out, route{method, strings.Split(pattern, "/"), handle})
	}
	add("GET", "health", s.health)
	add("POST", "auth/login", s.login)
	add("POST", "users/login", func(*call) answer { return created(nothing{}) })
	add("GET", "auth/whoami", s.whoami)
	add("POST", "auth/logout", func(*call) answer { return ok(Document{"logout": "successful"}) })
	add("GET", "users/my/self", s.self)
	add("POST", "users/jwt", s.ownToken)
	add("POST", "users/*/jwt", s.tokenFor)
	add("GET", "users/*/authorization/dataset/create", s.canCreate)

	add("POST", "datasets", s.createDataset)
	add("POST", "datasets/isvalid", s.validateDataset)
	add("GET", "datasets", s.listDatasets)
	add("GET", "datasets/count", s.countDatasets)
	add("GET", "datasets/findone", s.findDataset)
	add("GET", "datasets/*", s.getDataset)
	add("PATCH", "datasets/*", s.patchDataset)
	add("PUT", "datasets/*", s.putDataset)
	add("DELETE", "datasets/*", s.deleteDataset)
	add("POST", "datasets/*/appendtoarrayfield", s.appendToArray)
	add("GET", "datasets/*/datasetlifecycle", s.datasetLifecycle)
	add("GET", "datasets/*/origdatablocks", s.nestedDatablocks)
	add("GET", "datasets/*/origdatablocks/count", s.countNestedDatablocks)
	add("POST", "datasets/*/origdatablocks", s.createNestedDatablock)

	add("POST", "origdatablocks", s.createDatablock)
	add("POST", "origdatablocks/isvalid", s.validateDatablock)
	add("GET", "origdatablocks", s.listDatablocks)
	add("GET", "origdatablocks/*", s.getDatablock)
	add("PATCH", "origdatablocks/*", s.patchDatablock)
	add("DELETE", "origdatablocks/*", s.deleteDatablock)

	add("POST", "proposals", s.createProposal)
	add("GET", "proposals", s.listProposals)
	add("GET", "proposals/*", s.getProposal)

	add("POST", "instruments", s.createInstrument)
	add("GET", "instruments", s.listInstruments)
	add("GET", "instruments/count", s.countInstruments)
	add("GET", "instruments/findone", s.findInstrument)
	add("GET", "instruments/*", s.getInstrument)

	add("POST", "samples", s.createSample)
	add("GET", "samples", s.listSamples)
	add("GET", "samples/*", s.getSample)
	add("PATCH", "samples/*", s.patchSample)
	return out
}

// find gives the handler of a path below the API's root, and its open segments.
// Fixed segments do not mind their case, and a trailing slash is tolerated.
func (s *Server) find(method, escapedPath string) (func(*call) answer, []string, bool) {
	rest, inside := strings.CutPrefix(escapedPath, apiRoot+"/")
	if !inside {
		return nil, nil, false
	}
	segments := strings.Split(strings.TrimSuffix(rest, "/"), "/")
	for i, seg := range segments {
		plain, err := url.PathUnescape(seg)
		if err != nil {
			return nil, nil, false
		}
		segments[i] = plain
	}
	for _, r := range s.routes {
		if params, ok := r.match(method, segments); ok {
			return r.handle, params, true
		}
	}
	return nil, nil, false
}

func (r route) match(method string, segments []string) ([]string, bool) {
	if r.method != method || len(r.pattern) != len(segments) {
		return nil, false
	}
	var params []string
	for i, want := range r.pattern {
		switch {
		case want == "*":
			params = append(params, segments[i])
		case !strings.EqualFold(want, segments[i]):
			return nil, false
		}
	}
	return params, true
}
