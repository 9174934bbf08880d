package outcome

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func TestRecord_ReadsBackAsWritten(t *testing.T) {
	want := Record{
		Outcome: Registered, File: "/d/ä b.hdf", PID: "p/1", Datablock: "b", Schema: "s", JobID: "j",
		Files: 2, Bytes: 1 << 40, Seconds: 0.25,
	}
	var b bytes.Buffer
	if err := want.Write(&b); err != nil {
		t.Fatal(err)
	}
	if strings.Count(b.String(), "\n") != 1 {
		t.Errorf("not one line: %q", b.String())
	}
	got, err := Parse(b.Bytes())
	want.Version = recordVersion
	if err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestParse_RefusesWhatIsNoRecord(t *testing.T) {
	for _, text := range []string{"", "x", "{}", `{"version":0}`, `{"version":"1"}`, `[1]`} {
		if r, err := Parse([]byte(text)); err == nil {
			t.Errorf("%q is read as %+v", text, r)
		}
	}
}

func TestParse_TakesFieldsOfNewerVersions(t *testing.T) {
	r, err := Parse([]byte(`{"version":2,"outcome":"existed","file":"f","new":1}`))
	if err != nil || r.Outcome != Existed {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestAll_NamesEachOutcomeOnce(t *testing.T) {
	all := All()
	if sorted := slices.Sorted(slices.Values(all)); len(slices.Compact(sorted)) != len(all) || len(all) != 8 {
		t.Errorf("%v", all)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"version":1,"outcome":"registered","file":"f","seconds":0.1,"exit":0}`))
	f.Add([]byte(`{"version":1e9}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		if r, err := Parse(line); err == nil && r.Version < 1 {
			t.Errorf("version %d is taken", r.Version)
		}
	})
}
