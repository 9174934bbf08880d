package configs

import (
	"errors"
	"strings"
	"testing"
)

func TestInspectForwarder_TellsItsOwnFaultsFromThoseOfOthers(t *testing.T) {
	const file = "scicat: {timeout: soon}\nforwarder:\n  ingesters:\n  - streams: [{name: x, surce: y}]\n"
	i, err := InspectForwarder("c.yml", []byte(file), nil, func(Stream) error { return errors.New("no such source") })
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range i.Problems {
		got = append(got, "error: "+p.String())
	}
	for _, p := range i.Warnings {
		got = append(got, "warning: "+p.String())
	}
	want := `error: c.yml:4: forwarder.ingesters[0].streams[0]: no such source
error: c.yml:4: forwarder.ingesters[0].streams[0].surce: unknown key; did you mean source?
warning: c.yml:1: scicat.timeout: "soon" is not a duration in seconds, or with a unit: 500ms, 90s, 10m, 1h`
	if s := strings.Join(got, "\n"); s != want {
		t.Errorf("got\n%s\nwant\n%s", s, want)
	}
}
