package offline

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"ingestor/internal/fault"
	"ingestor/schemas/metadata"
	"ingestor/scicat"
)

// mandatory are the fields without which nothing is registered.
var mandatory = []string{
	"pid", "datasetName", "principalInvestigator", "creationLocation", "owner",
	"ownerEmail", "sourceFolder", "contactEmail", "creationTime",
}

// fieldsOf ties the names that a schema may set to the fields of a dataset.
// What is not here is computed (size, numberOfFiles) or not a schema's to say.
func fieldsOf(d *scicat.Dataset, pid *any) map[string]*any {
	return map[string]*any{
		"pid": pid, "datasetName": &d.DatasetName, "description": &d.Description,
		"principalInvestigator": &d.PrincipalInvestigator, "creationLocation": &d.CreationLocation,
		"owner": &d.Owner, "ownerEmail": &d.OwnerEmail, "sourceFolder": &d.SourceFolder,
		"contactEmail": &d.ContactEmail, "creationTime": &d.CreationTime, "type": &d.Type,
		"sampleId": &d.SampleID, "techniques": &d.Techniques, "instrumentId": &d.InstrumentID,
		"proposalId": &d.ProposalID, "ownerGroup": &d.OwnerGroup, "accessGroups": &d.AccessGroups,
		"startTime": &d.StartTime, "endTime": &d.EndTime, "runNumber": &d.RunNumber, "keywords": &d.Keywords,
	}
}

// buildDataset makes the dataset of a file out of what its schema says, the
// configured defaults and the pid rules (D2, D3). Size and number of files are
// counted later, whatever the schema says.
func (g *Ingestor) buildDataset(path string, m *metadata.Result) (scicat.Dataset, error) {
	d := scicat.Dataset{ScientificMetadata: map[string]scicat.ScientificValue{}}
	var pid any
	fields := fieldsOf(&d, &pid)
	for name, value := range m.HighLevel {
		if target := fields[name]; target != nil {
			*target = value
		}
	}
	for _, f := range m.Scientific {
		d.ScientificMetadata[f.MachineName] = scicat.ScientificValue{
			Value: f.Value, Type: f.Type, HumanName: f.HumanName, Unit: f.Unit,
		}
	}
	def := g.opt.Defaults
	fill(&d.InstrumentID, def.InstrumentID)
	fill(&d.ProposalID, def.ProposalID)
	fill(&d.OwnerGroup, def.OwnerGroup)
	fill(&d.AccessGroups, slices.Clone(def.AccessGroups))
	fill(&d.Type, "raw")
	fill(&d.Techniques, []any{})

	switch {
	case !g.opt.AllowPID:
		pid = nil // the catalogue makes one
	case g.opt.GeneratePID:
		made, err := generatePID(g.opt.PIDPrefix, jobID(m), path)
		if err != nil {
			return d, err
		}
		pid = made
	}
	d.PID = text(pid)

	var missing []string
	for _, name := range mandatory {
		if name == "pid" && !g.opt.AllowPID {
			continue
		}
		// The catalogue would take an empty pid for none, and make one at each try.
		if *fields[name] == nil || name == "pid" && d.PID == "" {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return d, fault.Errorf(fault.BadInput, "missing mandatory fields for the dataset: %s; see schema %s in %s",
			withReasons(missing, m), m.Schema.ID, m.Schema.Path)
	}
	return d, nil
}

// withReasons lists fields, those with the same reason together.
func withReasons(names []string, m *metadata.Result) string {
	var reasons []string
	fields := map[string][]string{}
	for _, name := range names {
		reason := reasonFor(name, m)
		if fields[reason] == nil {
			reasons = append(reasons, reason)
		}
		fields[reason] = append(fields[reason], name)
	}
	var texts []string
	for _, reason := range reasons {
		texts = append(texts, strings.Join(fields[reason], ", ")+" ("+reason+")")
	}
	return strings.Join(texts, "; ")
}

// reasonFor says why the schema gave no value for a field: where it needs a
// variable that has failed, why that one has.
func reasonFor(name string, m *metadata.Result) string {
	for _, f := range m.Failures {
		if f.What == "field" && f.Name == name {
			return rootOf(f, m)
		}
	}
	if _, there := m.HighLevel[name]; there {
		return "is empty"
	}
	return "not in the schema"
}

// rootOf follows a failure to the variable that began it. Variables only use
// earlier ones, so going backwards ends.
func rootOf(f metadata.Failure, m *metadata.Result) string {
	text := f.Reason
	for _, v := range slices.Backward(m.Failures) {
		// A field may bear the name of a variable.
		if v.What == "variable" && (f.What != "variable" || v.Name != f.Name) && strings.Contains(f.From, "<"+v.Name+">") {
			f, text = v, "variable "+v.Name+": "+v.Reason
		}
	}
	return text
}

// fill sets what the schema left out.
func fill[T any](target *any, value T) {
	if *target == nil {
		*target = value
	}
}

// text is a value as it stands in a URL.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

// jobID is the file writer's job, where the schema knows it by that name.
func jobID(m *metadata.Result) string {
	if f, ok := m.Field("job_id"); ok && f.Value != nil {
		return text(f.Value)
	}
	id, _ := m.Text("job_id")
	return id
}
