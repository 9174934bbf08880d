package scicat

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

func testAddresses(t testing.TB, base string, endpoints map[string]string) *addresses {
	t.Helper()
	a, err := newAddresses(base, "health", endpoints)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestLookup_URLAsSent(t *testing.T) {
	const id = "a/b c?d=1&e#f%20é"
	safe := "a%2Fb+c%3Fd%3D1%26e%23f%2520%C3%A9" // as Python's quote_plus makes it
	tests := []struct{ text, want string }{
		{"/proposals/1", ""},
		{"<missing>/1", ""},
		{"users/1", ""},
		{"PROPOSALS/1", ""},
		{"ftp://h.example/proposals", ""},
		{"http:///proposals", ""},
		{"", ""},
		{"http://h.example/api/v3/proposals/9", "http://h.example/api/v3/proposals/9"},
		{"HTTP://h.example/x/proposals", "http://h.example/x/proposals"},
		{"https://other.example?a=b", "https://other.example?a=b"},
		{"datasets/20.500/1", "/datasets/20.500/1"},
		{`instruments?filter={"a": 1}`, "/instruments?filter=%7B%22a%22:%201%7D"},
		{"origdatablocks/1", "/origdatablocks/1"},
		{"proposals/1", "/proposals/1"},
		{"proposals/1/", "/proposals/1/"},
		{"proposals/" + id, "/proposals/a/b%20c?d=1&e"},
		{"datasets/" + safe, "/datasets/" + safe},
		{"samples?filter=%7B%22where%22%3A%7B%22description%22%3A%22" + safe + "%22%7D%7D",
			"/samples?filter=%7B%22where%22%3A%7B%22description%22%3A%22" + safe + "%22%7D%7D"},
		{"instruments/../proposals/1", "/proposals/1"},
		{"instruments/./a/b/../c", "/instruments/a/c"},
		{"proposals/å b", "/proposals/%C3%A5%20b"},
		{"datasetsproposals/1", "/datasetsproposals/1"},
		{"proposals/a/proposals", "/proposals/a/proposals"},
		{"proposals/100%", "/proposals/100%25"},
		{"proposals/%zz", "/proposals/%25zz"},
	}
	a := testAddresses(t, "http://h.example/api/v3/", nil)
	for _, tt := range tests {
		want := tt.want
		if strings.HasPrefix(want, "/") {
			want = "http://h.example/api/v3" + want
		}
		u, err := a.lookup(tt.text)
		if (err != nil) != (want == "") {
			t.Errorf("%q: error %v, want %q", tt.text, err, want)
			continue
		}
		if err == nil && u.String() != want {
			t.Errorf("%q: %s, want %s", tt.text, u, want)
		}
		if err == nil && !strings.HasSuffix(want, u.RequestURI()) && u.Path != "" {
			t.Errorf("%q: %s is sent, want the end of %s", tt.text, u.RequestURI(), want)
		}
	}
}

func TestAddresses_EndpointsStayBelowTheHost(t *testing.T) {
	a := testAddresses(t, "https://h.example/api/v3", map[string]string{"datasets": "/v4/datasets/", "proposals": "props"})
	tests := []struct{ got, want string }{
		{a.endpoint("datasets").String(), "https://h.example/api/v3/v4/datasets"},
		{a.endpoint("datasets", "10/a b").String(), "https://h.example/api/v3/v4/datasets/10%2Fa%20b"},
		{a.endpoint("samples", "..").String(), "https://h.example/api/v3/samples/%2E%2E"},
		{a.health.String(), "https://h.example/api/v3/health"},
	}
	if u, err := a.lookup("proposals/1"); err != nil || u.String() != "https://h.example/api/v3/props/1" {
		t.Errorf("look-up: %v %v", u, err)
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s, want %s", tt.got, tt.want)
		}
	}
}

func TestAddresses_FaultsAreNamed(t *testing.T) {
	tests := []struct {
		base, health string
		endpoints    map[string]string
		want         string
	}{
		{"", "health", nil, "host"},
		{"scicat.site/api", "health", nil, "http"},
		{"https://h.example/?x=1", "health", nil, "query"},
		{"https://h.example", "ftp://x/y", nil, "health"},
		{"https://h.example", "health", map[string]string{"dataset": "x"}, `"dataset" is unknown`},
		{"https://h.example", "health", map[string]string{"datasets": "https://x/y"}, "not a path below the host"},
		{"https://h.example", "health", map[string]string{"datasets": "/"}, "not a path below the host"},
	}
	for _, tt := range tests {
		if _, err := newAddresses(tt.base, tt.health, tt.endpoints); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v, want %q", tt, err, tt.want)
		}
	}
}

func TestAddresses_ShownHidesSecrets(t *testing.T) {
	a := testAddresses(t, "https://user:pass@h.example/api", nil)
	u, err := a.lookup("https://me:secret@other.example/x?access_token=Bearer%20abc&y=1")
	if err != nil {
		t.Fatal(err)
	}
	shown := a.shown(u) + a.base.String()
	for _, secret := range []string{"secret", "abc", "pass"} {
		if strings.Contains(shown, secret) {
			t.Errorf("%s shows %s", shown, secret)
		}
	}
}

func TestMetadataFilter(t *testing.T) {
	tests := []struct {
		key   string
		value any
		want  string // of where
	}{
		{"job_id", "abc-1", `{"scientificMetadata.job_id.value":{"inq":["abc-1"]}}`},
		{"job_id", "å ✓ & # \" + %", `{"scientificMetadata.job_id.value":{"inq":["å ✓ \u0026 # \" + %"]}}`},
		{"n", json.Number("5"), `{"scientificMetadata.n.value":5}`},
		{"flag", true, `{"scientificMetadata.flag.value":true}`},
		{"a.b", "x", `{"scientificMetadata.a%2Eb.value":{"inq":["x"]}}`},
		{"a%2Eb", "x", `{"scientificMetadata.a%2Eb.value":{"inq":["x"]}}`},
		{"sp ace/%", "x", `{"scientificMetadata.sp%20ace%2F%25.value":{"inq":["x"]}}`},
	}
	for _, tt := range tests {
		query, err := metadataFilter(tt.key, tt.value)
		if err != nil {
			t.Errorf("%s: %v", tt.key, err)
			continue
		}
		if strings.ContainsAny(query, "+ \"{}#") {
			t.Errorf("%s: %s is not escaped", tt.key, query)
		}
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Errorf("%s: %v", tt.key, err)
			continue
		}
		var filter struct{ Where json.RawMessage }
		if err := json.Unmarshal([]byte(values.Get("filter")), &filter); err != nil {
			t.Errorf("%s: %v", tt.key, err)
		}
		if string(filter.Where) != tt.want {
			t.Errorf("%s: %s, want %s", tt.key, filter.Where, tt.want)
		}
	}
}

func FuzzLookupURL(f *testing.F) {
	for _, seed := range []string{"proposals/1", "datasets/a%2Fb", "http://x/../y?z#w", "samples?filter={\"a\":1}", "%", "instruments/..", "https://[::1]/x"} {
		f.Add(seed)
	}
	a := testAddresses(f, "http://h.example/api/v3", nil)
	f.Fuzz(func(t *testing.T, text string) {
		u, err := a.lookup(text)
		if err != nil {
			return
		}
		if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
			t.Errorf("%q: %s", text, u)
		}
		again, err := url.Parse(u.String())
		if err != nil {
			t.Fatalf("%q makes %q: %v", text, u, err)
		}
		if again.RequestURI() != u.RequestURI() {
			t.Errorf("%q: %q is sent, but reads as %q", text, u.RequestURI(), again.RequestURI())
		}
	})
}

func FuzzMetadataFilter(f *testing.F) {
	f.Add("job_id", "abc")
	f.Add("a.b", "å & # + %")
	f.Add("%2E", "\x00\xff")
	f.Fuzz(func(t *testing.T, key, value string) {
		query, err := metadataFilter(key, value)
		if err != nil {
			t.Fatal(err)
		}
		values, err := url.ParseQuery(query)
		if err != nil || len(values) != 1 {
			t.Fatalf("%q: %v %v", query, values, err)
		}
		var filter struct {
			Where map[string]struct{ Inq []string }
		}
		if err := json.Unmarshal([]byte(values.Get("filter")), &filter); err != nil {
			t.Fatal(err)
		}
		for path, condition := range filter.Where {
			if strings.Count(path, ".") != 2 && !strings.Contains(key, ".") {
				t.Errorf("key %q adds levels to %q", key, path)
			}
			if len(condition.Inq) != 1 || condition.Inq[0] != strings.ToValidUTF8(value, "\uFFFD") && strings.ToValidUTF8(value, "") == value {
				t.Errorf("%q became %q", value, condition.Inq)
			}
		}
	})
}

func FuzzSegment(f *testing.F) {
	for _, seed := range []string{"20.500.12269/abc", "a b+c", "..", ".", "%2F", "å?#"} {
		f.Add(seed)
	}
	a := testAddresses(f, "http://h.example/api/v3", nil)
	f.Fuzz(func(t *testing.T, pid string) {
		u, err := url.Parse(a.endpoint("datasets", pid).String())
		if err != nil {
			t.Fatal(err)
		}
		segment, ok := strings.CutPrefix(u.EscapedPath(), "/api/v3/datasets/")
		if !ok || strings.Contains(segment, "/") || u.RawQuery != "" || u.Fragment != "" {
			t.Fatalf("%q is sent as %q", pid, u)
		}
		if plain, err := url.PathUnescape(segment); err != nil || plain != pid {
			t.Errorf("%q arrives as %q: %v", pid, plain, err)
		}
	})
}
