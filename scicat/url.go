package scicat

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// endpointNames are the endpoints that a configuration may rename and that a
// look-up may start with.
var endpointNames = [...]string{"datasets", "proposals", "origdatablocks", "instruments", "samples"}

// addresses builds every URL of the client, so that each endpoint is below the
// base whatever it is called (D18).
type addresses struct {
	base      *url.URL // path without a trailing slash
	health    *url.URL
	endpoints map[string]string // name -> path without surrounding slashes
}

func newAddresses(base, health string, endpoints map[string]string) (*addresses, error) {
	u, err := httpURL(base)
	if err != nil {
		return nil, fmt.Errorf("host: %w", err)
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("host %s: must have neither a query nor a fragment", u.Redacted())
	}
	// Credentials in the URL would override the token; nobody means that.
	u.User = nil
	setPath(u, strings.TrimRight(u.EscapedPath(), "/"))
	a := &addresses{base: u, endpoints: map[string]string{}}
	for _, name := range endpointNames {
		a.endpoints[name] = name
	}
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(endpoints)) {
		path := endpoints[name]
		if _, known := a.endpoints[name]; !known {
			faults = append(faults, fmt.Errorf("endpoint %q is unknown, there are %s", name, strings.Join(endpointNames[:], ", ")))
			continue
		}
		path = strings.Trim(path, "/")
		if path == "" || strings.Contains(path, "://") || strings.ContainsAny(path, "?# ") {
			faults = append(faults, fmt.Errorf("endpoint %s: %q is not a path below the host", name, path))
			continue
		}
		a.endpoints[name] = path
	}
	if strings.Contains(health, "://") {
		a.health, err = httpURL(health)
	} else {
		a.health, err = url.Parse(a.base.String() + "/" + strings.TrimLeft(health, "/"))
	}
	if err != nil {
		faults = append(faults, fmt.Errorf("health endpoint: %w", err))
	}
	return a, errors.Join(faults...)
}

func httpURL(s string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(s))
	switch {
	case err != nil:
		// The error of url.Parse shows the text, which may hold a password.
		return nil, errors.New("not a URL")
	case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return nil, fmt.Errorf("%q must begin with https:// or http:// and a host name", u.Redacted())
	}
	return u, nil
}

// below is the URL of segments under the base; each segment is escaped whole,
// a slash in it too.
func (a *addresses) below(path string, segments ...string) *url.URL {
	u := *a.base
	text := u.EscapedPath() + "/" + path
	for _, s := range segments {
		text += "/" + escapeSegment(s)
	}
	setPath(&u, text)
	return &u
}

// endpoint is the URL of segments under a named endpoint.
func (a *addresses) endpoint(name string, segments ...string) *url.URL {
	return a.below(a.endpoints[name], segments...)
}

// own says whether u has the scheme, host and port of the base.
func (a *addresses) own(u *url.URL) bool {
	return u.Scheme == a.base.Scheme && strings.EqualFold(u.Host, a.base.Host)
}

// mostShown is how much of path and query a message shows, in bytes: a question
// about fifty pids would drown it.
const mostShown = 300

// shown is u as errors and logs name it: short where it is the catalogue's own.
func (a *addresses) shown(u *url.URL) string {
	v := *u
	v.User = nil
	if q := v.Query(); q.Has("access_token") {
		q.Set("access_token", "***")
		v.RawQuery = q.Encode()
	}
	text := v.String()
	if a.own(u) {
		text = v.RequestURI()
	}
	if len(text) > mostShown {
		text = text[:mostShown]
		if i := strings.LastIndexByte(text, '%'); i > mostShown-3 {
			text = text[:i] // half an escape
		}
		text += "…"
	}
	return text
}

// whole is shown, with scheme and host.
func (a *addresses) whole(u *url.URL) string {
	text := a.shown(u)
	if a.own(u) {
		text = u.Scheme + "://" + u.Host + text
	}
	return text
}

// setPath sets an escaped path so that exactly this text is sent.
func setPath(u *url.URL, escaped string) {
	u.RawPath = escaped
	path, err := url.PathUnescape(escaped)
	if err != nil {
		path = escaped
	}
	u.Path = path
}

// escapeSegment escapes s as one segment of a path. Dots alone would be
// resolved away on the way, so they are escaped too.
func escapeSegment(s string) string {
	if s == "." || s == ".." {
		return strings.ReplaceAll(s, ".", "%2E")
	}
	return url.PathEscape(s)
}

// metadataFilter is the query that lists the datasets whose scientific metadata
// has value under key. Strings are asked for inside a list: the backend turns
// any bare string that JavaScript can read as a date into a date, which then
// matches nothing (D10; scicat-api.md fact 7).
func metadataFilter(key string, value any) (string, error) {
	condition := value
	if _, isText := value.(string); isText {
		condition = map[string]any{"inq": []any{value}}
	}
	filter := map[string]any{
		"where":  map[string]any{"scientificMetadata." + storedKey(key) + ".value": condition},
		"fields": []string{"pid"},
	}
	query, err := filterQuery(filter)
	if err != nil {
		return "", fmt.Errorf("filter for %s: %w", key, err)
	}
	return query, nil
}

// filterQuery is a filter as a query. A plus for a space is only understood by
// form decoders.
func filterQuery(filter map[string]any) (string, error) {
	text, err := json.Marshal(filter)
	if err != nil {
		return "", err
	}
	return "filter=" + strings.ReplaceAll(url.QueryEscape(string(text)), "+", "%20"), nil
}

// storedKey is a metadata key as the backend stores it, and as filters must
// name it: escaped like a URI component, dots too, unless it already reads as
// something escaped.
func storedKey(key string) string {
	if plain, err := url.PathUnescape(key); err == nil && plain != key {
		return key
	}
	var b strings.Builder
	for i := range len(key) {
		if ch := key[i]; ch != '.' && (isUnreserved(ch) || strings.IndexByte("!'()*", ch) >= 0) {
			b.WriteByte(ch)
		} else {
			fmt.Fprintf(&b, "%%%02X", ch)
		}
	}
	return b.String()
}

func isUnreserved(ch byte) bool {
	return 'a' <= ch && ch <= 'z' || 'A' <= ch && ch <= 'Z' || '0' <= ch && ch <= '9' || strings.IndexByte("-._~", ch) >= 0
}
