package metadata

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ingestor/internal/fault"
	"ingestor/internal/nexus"
)

// slowCatalogue answers each look-up after a second of the bubble's time.
type slowCatalogue struct {
	mu     sync.Mutex
	asked  []string
	answer func(url string) ([]byte, error)
}

func (c *slowCatalogue) Lookup(ctx context.Context, url string) ([]byte, error) {
	c.mu.Lock()
	c.asked = append(c.asked, url)
	c.mu.Unlock()
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return c.answer(url)
}

func schemaOf(t testing.TB, variables, items string) *Schema {
	t.Helper()
	text := "id: sid\nname: n\ninstrument: i\nselector: '*'\norder: 1\nvariables:\n  " + strings.ReplaceAll(variables, "\n", "\n  ") +
		"\nschema:\n  " + strings.ReplaceAll(items, "\n", "\n  ") + "\n"
	schema, err := parseSchema("t.imsc.yml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func TestEvaluate_IndependentLookupsRunAtTheSameTime(t *testing.T) {
	schema := schemaOf(t, `a: {source: SC, url: a, field: '', value_type: string}
p: {source: NXS, path: /p, value_type: string}
b: {source: SC, url: b/<p>, field: '', value_type: string}
c: {source: SC, url: c/<a>, field: '', value_type: string}
d: {source: VALUE, value: <a>-<b>-<c>-<e>, value_type: string}
e: {source: SC, url: e, field: '', value_type: string}
f: {source: VALUE, value: <c>+<e>, value_type: string}`, "{}")
	synctest.Test(t, func(t *testing.T) {
		c := &slowCatalogue{answer: func(url string) ([]byte, error) { return []byte(quoted("[" + url + "]")), nil }}
		start := time.Now()
		result, err := schema.Evaluate(t.Context(), Input{Path: "/x", File: &memoryFile{values: map[string]nexus.Value{"/p": text1("P")}}, Catalogue: c})
		if err != nil {
			t.Fatal(err)
		}
		// a, b and e at once, then c, which needs a.
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("four look-ups of a second took %v", took)
		}
		slices.Sort(c.asked)
		if got := strings.Join(c.asked, " "); got != "a b/P c/[a] e" {
			t.Errorf("asked %s", got)
		}
		var names []string
		for _, v := range result.Variables {
			if v.Source != BuiltIn {
				names = append(names, v.Name)
			}
		}
		if got := strings.Join(names, ""); got != "apbcdef" {
			t.Errorf("the order is %s", got)
		}
		if v := variableOf(t, result, "f"); v.Text() != "[c/[a]]+[e]" {
			t.Errorf("f is %s", v.Text())
		}
		// e stands below d: that its answer comes first changes nothing.
		if v := variableOf(t, result, "d"); v.Failure == nil || !strings.Contains(v.Failure.Reason, "further down") {
			t.Errorf("d is %s, %v", v.Text(), v.Failure)
		}
		if len(result.Failures) != 1 {
			t.Errorf("failures %v", result.Failures)
		}
	})
}

func TestEvaluate_ResultIsThatOfOneAfterTheOther(t *testing.T) {
	// The text of x names y, whose look-up is slow: v must wait for it.
	schema := schemaOf(t, `y: {source: SC, url: y, field: '', value_type: string}
x: {source: NXS, path: /x, value_type: string}
v: {source: VALUE, value: 'a <x> b', value_type: string}
data_file_name: {source: SC, url: name, field: '', value_type: string}
w: {source: SC, url: 'w/<data_file_name>', field: '', value_type: string}`, "{}")
	synctest.Test(t, func(t *testing.T) {
		c := &slowCatalogue{answer: func(url string) ([]byte, error) { return []byte(quoted(url)), nil }}
		result, err := schema.Evaluate(t.Context(), Input{Path: "/file", File: &memoryFile{values: map[string]nexus.Value{"/x": text1("<y>")}}, Catalogue: c})
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{"v": "", "w": "w/name"} {
			v := variableOf(t, result, name)
			if want == "" {
				// y stands before x in the registry, so the text is put in too late.
				if v.Failure == nil {
					t.Errorf("%s is %s", name, v.Text())
				}
			} else if v.Text() != want {
				t.Errorf("%s is %s, %v", name, v.Text(), v.Failure)
			}
		}
	})
}

func TestEvaluate_TroubleOfTheWholeCatalogueEndsIt(t *testing.T) {
	schema := schemaOf(t, `a: {source: SC, url: slow, field: '', value_type: string}
b: {source: SC, url: away, field: '', value_type: string}`, "{}")
	for _, kind := range []fault.Kind{fault.Unavailable, fault.NotPermitted} {
		synctest.Test(t, func(t *testing.T) {
			c := &slowCatalogue{answer: func(url string) ([]byte, error) {
				if url == "away" {
					return nil, fault.Errorf(kind, "503 GET away")
				}
				time.Sleep(time.Second)
				return []byte("1"), nil
			}}
			_, err := schema.Evaluate(t.Context(), Input{Path: "/x", File: &memoryFile{}, Catalogue: c})
			if fault.KindOf(err) != kind || !strings.Contains(err.Error(), "away") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestEvaluate_EndsWithItsContext(t *testing.T) {
	schema := schemaOf(t, "a: {source: SC, url: a, field: '', value_type: string}", "{}")
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		c := &slowCatalogue{answer: func(string) ([]byte, error) { return []byte("1"), nil }}
		if _, err := schema.Evaluate(ctx, Input{Path: "/x", File: &memoryFile{}, Catalogue: c}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

func TestEvaluate_FailuresAreCollectedInTheCuratorsWords(t *testing.T) {
	result := evaluated(t, `missing: {source: NXS, path: /e/none, value_type: string}
typed: {source: NXS, path: /e/u, value_type: string}
refused: {source: SC, url: users/1, field: '', value_type: dict}
field: {source: SC, url: proposals/1, field: pi_name, value_type: string}
html: {source: SC, url: proposals/case_html, field: '', value_type: dict}
index: {source: SC, url: instruments, field: 3, value_type: dict}
good: {source: SC, url: instruments, field: -1, value_type: dict}`,
		"a: {field_type: scientific_metadata, machine_name: a, value: <missing>, type: string}")
	want := []string{
		"variable missing (NXS /e/none): /e/none: there is no such dataset in the file", "variable typed (NXS /e/u): the file holds floating point numbers there, not text",
		"variable refused (SC users/1): 404 Not Found: GET users/1", "variable field (SC proposals/1): in the answer: there is no pi_name; there are pi_firstname, ",
		"variable html (SC proposals/case_html): the answer is not JSON", "variable index (SC instruments): in the answer: there is no item 3, only 1",
		`field a (scientific_metadata <missing>): "<missing>" is unresolved: the variable missing has failed`,
	}
	if len(result.Failures) != len(want) {
		t.Fatalf("got %v", result.Failures)
	}
	for i, f := range result.Failures {
		if !strings.HasPrefix(f.String(), want[i]) {
			t.Errorf("got %s, want %s", f, want[i])
		}
	}
	if v := variableOf(t, result, "good"); v.Failure != nil {
		t.Error(v.Failure)
	}
}

func TestEvaluate_BuiltInVariables(t *testing.T) {
	schema := schemaOf(t, "{}", "{}")
	for path, want := range map[string]string{
		"/a//b/./c.hdf": "/a/b/c.hdf c.hdf", "c.hdf": "c.hdf c.hdf", "./x/../c.hdf": "x/../c.hdf c.hdf", "//a/b": "//a/b b", "///a": "/a a",
	} {
		result, err := schema.Evaluate(t.Context(), Input{Path: path, File: &memoryFile{}, Now: time.Date(2024, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600)), RunID: "r", IngestorFilesDirectory: "../i"})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, v := range result.Variables {
			got = append(got, v.Text())
		}
		if text := strings.Join(got, " "); text != "r "+want+" 2024-01-02T02:04:05+00:00 ../i sid" {
			t.Errorf("%s: got %s", path, text)
		}
	}
}

func TestEvaluate_RefusesASchemaWithAFault(t *testing.T) {
	schema := schemaOf(t, "a: {source: FOO, value_type: string}", "{}")
	if _, err := schema.Evaluate(t.Context(), Input{File: &memoryFile{}}); fault.KindOf(err) != fault.BadInput {
		t.Errorf("got %v", err)
	}
}

func BenchmarkEvaluate(b *testing.B) {
	var variables []string
	for i := range 40 {
		variables = append(variables, fmt.Sprintf("v%d: {source: VALUE, value: 'x<data_file_name>', value_type: string}", i))
	}
	schema := schemaOf(b, strings.Join(variables, "\n"), "a: {field_type: scientific_metadata, machine_name: a, value: '<v0> <v39>', type: string}")
	for b.Loop() {
		if _, err := schema.Evaluate(b.Context(), Input{Path: "/x", File: &memoryFile{}}); err != nil {
			b.Fatal(err)
		}
	}
}
