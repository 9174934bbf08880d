package scicat

import (
	"fmt"
	"net/url"
	"strings"
)

// lookup is the URL that the text of a look-up means: an absolute one, or one
// that begins with the name of an endpoint. As in the Python ingestor the name
// needs no separator after it, reserved characters are sent as they are, what
// can not be sent is escaped, valid escapes are kept, and a fragment is dropped.
func (a *addresses) lookup(text string) (*url.URL, error) {
	text, _, _ = strings.Cut(strings.TrimSpace(text), "#")
	whole, ok := a.expand(text)
	if !ok {
		return nil, fmt.Errorf("look up %q: must begin with %s, http:// or https://", text, strings.Join(endpointNames[:], ", "))
	}
	scheme, rest, _ := strings.Cut(whole, "://")
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	u, err := httpURL(scheme + "://" + rest[:end])
	if err != nil {
		return nil, fmt.Errorf("look up %q: %w", text, err)
	}
	u.User = nil
	path, query, _ := strings.Cut(rest[end:], "?")
	setPath(u, removeDotSegments(escapeLoose(path, "/:@!$&'()*+,;=")))
	u.RawQuery = escapeLoose(query, "/:@!$&'()*+,;=?")
	return u, nil
}

// expand puts the full URL in place of a leading endpoint name.
func (a *addresses) expand(text string) (string, bool) {
	lower := strings.ToLower(text)
	if strings.HasPrefix(lower, "http://") || strings.HasPrefix(lower, "https://") {
		scheme, rest, _ := strings.Cut(text, ":")
		return strings.ToLower(scheme) + ":" + rest, true
	}
	for _, name := range endpointNames {
		if rest, ok := strings.CutPrefix(text, name); ok {
			return a.endpoint(name).String() + rest, true
		}
	}
	return "", false
}

// escapeLoose escapes what is neither unreserved nor in keep nor already an
// escape.
func escapeLoose(s, keep string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch ch := s[i]; {
		case isUnreserved(ch) || strings.IndexByte(keep, ch) >= 0:
			b.WriteByte(ch)
		case ch == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			b.WriteString(s[i : i+3])
			i += 2
		default:
			fmt.Fprintf(&b, "%%%02X", ch)
		}
	}
	return b.String()
}

func isHex(ch byte) bool {
	return '0' <= ch && ch <= '9' || 'a' <= ch && ch <= 'f' || 'A' <= ch && ch <= 'F'
}

// removeDotSegments resolves . and .. as RFC 3986, 5.2.4 does, keeping empty
// segments and a trailing slash.
func removeDotSegments(path string) string {
	if path == "" {
		return ""
	}
	segments := strings.Split(path, "/")
	var out []string
	for i, s := range segments {
		last := i == len(segments)-1
		switch s {
		case ".":
			if last {
				out = append(out, "")
			}
		case "..":
			if len(out) > 1 {
				out = out[:len(out)-1]
			}
			if last {
				out = append(out, "")
			}
		default:
			out = append(out, s)
		}
	}
	return strings.Join(out, "/")
}
