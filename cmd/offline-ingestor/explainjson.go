package main

import (
	"encoding/json"
	"io"

	"ingestor/internal/fault"
	"ingestor/offline"
	"ingestor/schemas/metadata"
	"ingestor/scicat"
)

// explained is the JSON form of an explanation. Fields are only ever added.
type explained struct {
	Version   int                 `json:"version"`
	File      string              `json:"file"`
	Outcome   string              `json:"outcome"` // would_register, would_complete, exists, would_fail
	PID       string              `json:"pid,omitempty"`
	Schema    *explainedSchema    `json:"schema"`
	Schemas   []explainedSchema   `json:"schemas"`
	Variables []explainedVariable `json:"variables"`
	Fields    []explainedField    `json:"fields"`
	Missing   []explainedMissing  `json:"missing"`
	Checks    []explainedCheck    `json:"checks"`
	Warnings  []string            `json:"warnings"`
	Dataset   *scicat.Dataset     `json:"dataset_body,omitempty"`
	Datablock *scicat.Datablock   `json:"datablock_body,omitempty"`
	Error     string              `json:"error,omitempty"`
	Exit      int                 `json:"exit"`
}

type explainedSchema struct {
	ID       string  `json:"id"`
	Name     string  `json:"name"`
	Path     string  `json:"path"`
	Order    float64 `json:"order"`
	Selector string  `json:"selector"`
	Matches  bool    `json:"matches"`
	Used     bool    `json:"used"`
	Fallback bool    `json:"fallback,omitempty"`
}

type explainedVariable struct {
	Name    string   `json:"name"`
	Source  string   `json:"source"`
	From    string   `json:"from,omitempty"`
	Type    string   `json:"type,omitempty"`
	Value   any      `json:"value"`
	Unit    string   `json:"unit,omitempty"`
	Failure string   `json:"failure,omitempty"`
	Costs   []string `json:"costs,omitempty"`
}

type explainedField struct {
	Key         string   `json:"key"`
	MachineName string   `json:"machine_name"`
	FieldType   string   `json:"field_type"`
	Template    string   `json:"template"`
	Type        string   `json:"type"`
	Value       any      `json:"value"`
	Unit        string   `json:"unit,omitempty"`
	Failure     string   `json:"failure,omitempty"`
	Because     []string `json:"because,omitempty"`
	Dropped     string   `json:"dropped,omitempty"`
}

type explainedMissing struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

type explainedCheck struct {
	What   string `json:"what"`
	Answer string `json:"answer"`
	Failed bool   `json:"failed,omitempty"`
}

// explainJSON shows an explanation to programs.
func explainJSON(out io.Writer, x *offline.Explanation) error {
	word, _ := verdict(x)
	e := explained{
		Version: 1, File: x.File, Outcome: word, PID: x.PID, Dataset: x.Dataset, Datablock: x.Datablock, Exit: fault.ExitCode(x.Err),
		Schemas: []explainedSchema{}, Variables: []explainedVariable{}, Fields: []explainedField{},
		Missing: []explainedMissing{}, Checks: []explainedCheck{}, Warnings: []string{},
	}
	if x.Err != nil {
		e.Error = oneLine(x.Err)
	}
	schema := func(s *metadata.Schema, matches bool) explainedSchema {
		return explainedSchema{ID: s.ID, Name: s.Name, Path: s.Path, Order: s.Order, Selector: s.Selector.String(),
			Matches: matches, Used: s == x.Schema, Fallback: s == x.Schema && x.Fallback}
	}
	for _, c := range x.Considered {
		e.Schemas = append(e.Schemas, schema(c.Schema, c.Matches))
	}
	if x.Schema != nil {
		used := schema(x.Schema, !x.Fallback)
		e.Schema = &used
	}
	for _, m := range x.Missing {
		e.Missing = append(e.Missing, explainedMissing(m))
	}
	for _, c := range x.Checks {
		e.Checks = append(e.Checks, explainedCheck(c))
	}
	if x.Result != nil {
		e.evaluation(x.Result)
	}
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(e)
}

func (e *explained) evaluation(m *metadata.Result) {
	e.Warnings = append(e.Warnings, m.Warnings...)
	for _, v := range m.Variables {
		one := explainedVariable{Name: v.Name, Source: string(v.Source), From: from(m, v), Type: v.Type, Unit: v.Unit}
		plain, ok := v.Plain()
		switch {
		case v.Failure != nil:
			one.Failure, one.Costs = v.Failure.Reason, v.Failure.Costs
		case ok:
			one.Value = plain
		default:
			one.Value = v.Text()
		}
		e.Variables = append(e.Variables, one)
	}
	for _, f := range m.Fields {
		one := explainedField{Key: f.Item.Key, MachineName: f.Item.MachineName, FieldType: f.Item.FieldType, Template: f.Item.Template(),
			Type: f.Item.Type, Value: f.Value, Unit: f.Unit, Dropped: f.Dropped}
		if f.Failure != nil {
			one.Failure, one.Because = f.Failure.Reason, f.Failure.Because
		}
		e.Fields = append(e.Fields, one)
	}
}
