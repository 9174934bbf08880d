package control

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/uuid"
)

func TestParseUpdate_AsTheControllerWritesIt(t *testing.T) {
	u, err := parseUpdate([]byte(`{"mapping_uuid":"0d78c656-113c-42e9-9613-87c61d85fb3a","parameters_version":` +
		`{"roi1":"35160f04-454c-467f-88b4-88cacce18ca6"},"target_parameters_hash":null,"active_streams":["stins","otherstream"],"finished":false}`))
	if err != nil {
		t.Fatal(err)
	}
	if u.mapping.String() != "0d78c656-113c-42e9-9613-87c61d85fb3a" || strings.Join(u.active, " ") != "stins otherstream" ||
		u.finished || u.parameters["roi1"].String() != "35160f04-454c-467f-88b4-88cacce18ca6" {
		t.Errorf("read %+v", u)
	}
}

func TestParseUpdate_DefaultsOfThePeers(t *testing.T) {
	u, err := parseUpdate([]byte(`{"mapping_uuid":"0d78c656113c42e9961387c61d85fb3a","parameters_version":{},"new":[1]}`))
	if err != nil || len(u.active) != 0 || u.finished {
		t.Errorf("read %+v, %v", u, err)
	}
}

func TestPrintable_IsShortASCII(t *testing.T) {
	for text, want := range map[string]string{
		"a":                          `"a"`,
		"\n\u00e9":                   `"\n\u00e9"`,
		strings.Repeat("\u00e9", 99): `"` + strings.Repeat(`\u00e9`, 40) + `"...`,
	} {
		if got := printable([]byte(text)); got != want {
			t.Errorf("printable(%q) = %s, want %s", text, got, want)
		}
	}
}

// FuzzParseUpdate: no input panics; what is taken names a mapping of version 4
// and reads as encoding/json reads it.
func FuzzParseUpdate(f *testing.F) {
	f.Add([]byte(entry{mapping: uuid.MustParse("0d78c656-113c-42e9-9613-87c61d85fb3a"), active: []string{"x"}, finished: true,
		parameters: map[string]uuid.UUID{"a": uuid.MustParse("35160f04-454c-467f-88b4-88cacce18ca6")}}.json()))
	f.Add([]byte(`{"mapping_uuid":"0d78c656-113c-12e9-9613-87c61d85fb3a","parameters_version":{}}`))
	f.Add([]byte(`{"mapping_uuid":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		u, err := parseUpdate(data)
		if err != nil {
			return
		}
		if u.mapping.Version() != 4 {
			t.Fatalf("mapping %v", u.mapping)
		}
		var want map[string]any
		if err := json.Unmarshal(data, &want); err != nil {
			t.Fatalf("encoding/json refuses %q: %v", data, err)
		}
		if v, _ := want["finished"].(bool); v != u.finished {
			t.Fatalf("finished %v in %q", u.finished, data)
		}
	})
}
