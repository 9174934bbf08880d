package metadata

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"ingestor/internal/fault"
	"ingestor/schemas/metadata/pyvalue"
)

// sampleURL is the address that lists the samples of the file, empty when the
// file does not say which they are.
func (e *evaluation) sampleURL() string {
	attachment := e.schema.Sample
	if !attachment.Query {
		return ""
	}
	name, err := e.sampleText(attachment.NamePath)
	if err != nil {
		e.warn("no sample is looked up: %v", err)
		return ""
	}
	proposal, err := e.sampleText(attachment.ProposalPath)
	if err != nil {
		e.warn("no sample is looked up: %v", err)
		return ""
	}
	var filter strings.Builder
	encoder := json.NewEncoder(&filter)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(map[string]any{"where": map[string]string{"description": name, "proposalId": proposal}}); err != nil {
		e.warn("no sample is looked up: %v", err)
		return ""
	}
	return "samples?filter=" + strings.ReplaceAll(url.QueryEscape(strings.TrimSpace(filter.String())), "+", "%20")
}

// sampleText reads a text of the file; a single number counts as its text.
func (e *evaluation) sampleText(path string) (string, error) {
	d := Definition{Name: "sample_attachment", Path: path, Type: "string"}
	b, err := e.reader.variable(d)
	if err != nil {
		d.Type = "integer"
		number, numberErr := e.reader.variable(d)
		if numberErr != nil {
			return "", err
		}
		b = number
	}
	return pyvalue.Text(b.value), nil
}

// samples takes the ids out of what the catalogue answered. A failed look-up
// fails the file, as any failure of the catalogue does: without it the dataset
// would lack its samples for good.
func (e *evaluation) samples(answer lookedUp) error {
	if answer.err != nil {
		if kind := fault.KindOf(answer.err); kind != fault.Bug {
			return answer.err
		}
		e.warn("no sample is attached: %v", answer.err)
		return nil
	}
	if errors.Is(answer.parseErr, errNotJSON) {
		return fault.Errorf(fault.Unavailable, "look up samples at %s: %w", answer.url, answer.parseErr)
	}
	list, ok := answer.value.(pyvalue.List)
	if !ok {
		e.warn("no sample is attached: %s answered %s, not a list", answer.url, pyvalue.Words(answer.value))
		return nil
	}
	for _, entry := range list {
		sample, ok := entry.(*pyvalue.Dict)
		if !ok {
			continue
		}
		if id, ok := sample.Get(pyvalue.Str("sampleId")); ok {
			if text, ok := id.(pyvalue.Str); ok && text != "" {
				e.result.SampleIDs = append(e.result.SampleIDs, string(text))
			}
		}
	}
	return nil
}

// attachSamples merges the samples that were found with those of the schema.
func (e *evaluation) attachSamples() {
	found := e.result.SampleIDs
	if len(found) == 0 {
		return
	}
	var ids []any
	seen := map[string]bool{}
	add := func(id any) {
		key := fmt.Sprint(id)
		if id == nil || key == "" || seen[key] {
			return
		}
		seen[key] = true
		ids = append(ids, id)
	}
	switch given := e.result.HighLevel["sampleId"].(type) {
	case []any:
		for _, id := range given {
			add(id)
		}
	default:
		add(given)
	}
	for _, id := range found {
		add(id)
	}
	e.result.HighLevel["sampleId"] = ids
}

// lookSamples starts the look-up of samples, if there is one.
func (e *evaluation) lookSamples(ctx context.Context) {
	if address := e.sampleURL(); address != "" {
		e.start(ctx, sampleLookup, address)
	}
}
