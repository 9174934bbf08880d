package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"ingestor/scicat/scicattest"
)

// show prints a dataset as a person wants to read it.
func show(w io.Writer, server *scicattest.Server, pid string) error {
	d, ok := server.Dataset(pid)
	if !ok {
		return fmt.Errorf("the catalogue has no dataset %s", pid)
	}
	var b strings.Builder
	row := func(name string, v any) {
		if s := shown(v); s != "" {
			fmt.Fprintf(&b, "      %-22s %s\n", name, s)
		}
	}
	fmt.Fprintf(&b, "\n    %s\n", shown(d["datasetName"]))
	for _, f := range [][2]string{
		{"Principal investigator", "principalInvestigator"}, {"Owner", "owner"}, {"Contact", "contactEmail"},
		{"Proposal", "proposalId"}, {"Instrument", "instrumentId"}, {"Location", "creationLocation"},
		{"Run", "runNumber"}, {"From", "startTime"}, {"Until", "endTime"},
		{"Folder", "sourceFolder"}, {"Owner group", "ownerGroup"}, {"Access groups", "accessGroups"}, {"Keywords", "keywords"},
	} {
		row(f[0], d[f[1]])
	}
	if m, ok := d["scientificMetadata"].(map[string]any); ok && len(m) > 0 {
		b.WriteString("    Scientific metadata\n")
		for _, key := range slices.Sorted(maps.Keys(m)) {
			entry, ok := m[key].(map[string]any)
			if !ok {
				row(key, m[key])
				continue
			}
			name := shown(entry["human_name"])
			if name == "" {
				name = key
			}
			row(name, strings.TrimSpace(shown(entry["value"])+" "+shown(entry["unit"])))
		}
	}
	b.WriteString("    Files\n")
	for _, block := range server.Datablocks(pid) {
		files, _ := block["dataFileList"].([]any)
		for _, f := range files {
			file, ok := f.(map[string]any)
			if !ok {
				continue
			}
			fmt.Fprintf(&b, "      %10s B  %s\n", shown(file["size"]), shown(file["path"]))
			if chk := shown(file["chk"]); chk != "" {
				fmt.Fprintf(&b, "                    %s %s…\n", shown(block["chkAlg"]), chk[:min(len(chk), 32)])
			}
		}
	}
	b.WriteString("\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// shown is a value in one line.
func shown(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case []any:
		parts := make([]string, len(v))
		for i, item := range v {
			parts[i] = shown(item)
		}
		return strings.Join(parts, ", ")
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}
