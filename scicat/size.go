package scicat

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"ingestor/internal/fault"
)

// MaxBody is the longest body that the backend takes by default, in bytes; it
// answers a longer one with a bare 500 (scicat-api.md fact 11).
const MaxBody = 16 << 20

// checkSize refuses a body that is too long, naming its largest fields.
func checkSize(what string, body []byte) error {
	if len(body) <= MaxBody {
		return nil
	}
	return fault.Errorf(fault.BadInput, "%s is too long for the catalogue: %s of JSON, at most %s are taken; largest: %s",
		what, mebibytes(len(body)), mebibytes(MaxBody), largestFields(body, 3))
}

// largestFields names the n largest fields of a JSON object with their sizes.
// Scientific metadata is looked into; a list says how many elements it has.
func largestFields(body []byte, n int) string {
	type field struct {
		name string
		size int
		note string
	}
	var all []field
	collect := func(prefix string, raw json.RawMessage) {
		var o map[string]json.RawMessage
		if json.Unmarshal(raw, &o) != nil {
			return
		}
		for name, v := range o {
			if prefix == "" && name == "scientificMetadata" {
				continue
			}
			f := field{name: prefix + name, size: len(v)}
			var list []json.RawMessage
			if json.Unmarshal(v, &list) == nil {
				f.note = fmt.Sprintf("%d elements, ", len(list))
			}
			all = append(all, f)
		}
	}
	collect("", body)
	var outer struct {
		ScientificMetadata json.RawMessage `json:"scientificMetadata"`
	}
	if json.Unmarshal(body, &outer) == nil {
		collect("scientificMetadata.", outer.ScientificMetadata)
	}
	slices.SortFunc(all, func(a, b field) int {
		return cmp.Or(cmp.Compare(b.size, a.size), strings.Compare(a.name, b.name))
	})
	texts := make([]string, 0, n)
	for _, f := range all[:min(n, len(all))] {
		texts = append(texts, fmt.Sprintf("%s (%s%s)", f.name, f.note, mebibytes(f.size)))
	}
	return strings.Join(texts, ", ")
}

func mebibytes(n int) string {
	if n < 1<<20 {
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%.2f MiB", float64(n)/(1<<20))
}
