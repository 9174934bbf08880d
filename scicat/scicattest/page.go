package scicattest

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
)

//go:embed page/*.html
var pageFiles embed.FS

// pageLimit is how many datasets the page lists.
const pageLimit = 500

// page gives the handler of the pages that people look at, nil for the API.
func (s *Server) page(r *http.Request) http.HandlerFunc {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return nil
	}
	switch r.URL.Path {
	case "/":
		return s.listPage
	case "/view":
		return s.datasetPage
	}
	return nil
}

// row is a dataset in the list.
type row struct {
	PID, Name, Proposal, Instrument, Owner, Created, Registered, Size, Files string
}

// entry is a name with a value; Unit and Type may be empty.
type entry struct{ Name, Value, Unit, Type string }

// fileRow is a file of a datablock.
type fileRow struct{ Path, Size, Time, Digest, Mode string }

func (s *Server) listPage(w http.ResponseWriter, _ *http.Request) {
	all := s.Datasets()
	slices.Reverse(all) // newest first
	rows := make([]row, 0, min(len(all), pageLimit))
	for _, d := range all[:min(len(all), pageLimit)] {
		rows = append(rows, rowOf(d))
	}
	render(w, http.StatusOK, "list.html", map[string]any{"Title": "Catalogue", "Rows": rows, "Total": len(all), "Limit": pageLimit})
}

func rowOf(d Document) row {
	return row{
		PID: shownText(d["pid"]), Name: shownText(d["datasetName"]), Proposal: shownText(d["proposalId"]),
		Instrument: shownText(d["instrumentId"]), Owner: shownText(d["owner"]), Created: shownTime(d["creationTime"]),
		Registered: shownTime(d["createdAt"]), Size: shownSize(d["size"]), Files: shownText(d["numberOfFiles"]),
	}
}

// leading are the fields that people look for first, in this order.
var leading = []string{"datasetName", "description", "type", "proposalId", "instrumentId", "sampleId", "principalInvestigator",
	"owner", "ownerEmail", "contactEmail", "ownerGroup", "accessGroups", "creationTime", "startTime", "endTime", "runNumber",
	"creationLocation", "sourceFolder", "size", "numberOfFiles", "keywords", "isPublished"}

func (s *Server) datasetPage(w http.ResponseWriter, r *http.Request) {
	pid := r.URL.Query().Get("pid")
	d, there := s.Dataset(pid)
	if !there {
		render(w, http.StatusNotFound, "missing.html", map[string]any{"Title": "Not here", "PID": pid})
		return
	}
	var fields []entry
	for _, name := range leading {
		if text := shownText(d[name]); text != "" {
			switch name {
			case "creationTime", "startTime", "endTime":
				text = shownTime(d[name])
			case "size":
				text = shownSize(d[name])
			}
			fields = append(fields, entry{Name: name, Value: text})
		}
	}
	render(w, http.StatusOK, "dataset.html", map[string]any{
		"Title": shownText(d["datasetName"]), "PID": pid, "Fields": fields, "Metadata": metadataOf(d),
		"Blocks": s.blocksShown(pid), "Registered": shownTime(d["createdAt"]), "By": shownText(d["createdBy"]),
	})
}

func metadataOf(d Document) []entry {
	metadata, _ := d["scientificMetadata"].(Document)
	var out []entry
	for name, v := range metadata {
		e := entry{Name: name, Value: shownText(v)}
		if o, isObject := v.(Document); isObject {
			e.Value, e.Unit, e.Type = shownText(o["value"]), shownText(o["unit"]), shownText(o["type"])
			if human := shownText(o["human_name"]); human != "" {
				e.Name = human
			}
		}
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b entry) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	return out
}

// block is a datablock on the page.
type block struct {
	ID, Algorithm, Size string
	Files               []fileRow
}

func (s *Server) blocksShown(pid string) []block {
	var out []block
	for _, b := range s.Datablocks(pid) {
		shown := block{ID: shownText(b["_id"]), Algorithm: shownText(b["chkAlg"]), Size: shownSize(b["size"])}
		files, _ := b["dataFileList"].([]any)
		for _, f := range files {
			o, _ := f.(Document)
			shown.Files = append(shown.Files, fileRow{
				Path: shownText(o["path"]), Size: shownSize(o["size"]), Time: shownTime(o["time"]),
				Digest: shownText(o["chk"]), Mode: shownText(o["perm"]),
			})
		}
		out = append(out, shown)
	}
	return out
}

func render(w http.ResponseWriter, status int, name string, data any) {
	t, err := template.ParseFS(pageFiles, "page/frame.html", "page/"+name)
	var b bytes.Buffer
	if err == nil {
		err = t.ExecuteTemplate(&b, "frame.html", data)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	w.WriteHeader(status)
	// A reader that has gone away is no concern of the page.
	_, _ = w.Write(b.Bytes())
}

// shownText is a value as people read it.
func shownText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	case []any:
		plain := make([]string, 0, len(v))
		for _, item := range v {
			switch item.(type) {
			case Document, []any:
				return compactJSON(v)
			}
			plain = append(plain, shownText(item))
		}
		return strings.Join(plain, ", ")
	case Document:
		return compactJSON(v)
	}
	return fmt.Sprint(v)
}

func compactJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}

// shownTime is a time without T, Z and milliseconds.
func shownTime(v any) string {
	text := shownText(v)
	if t, ok := parseISO(text); ok {
		return t.Format("2006-01-02 15:04:05") + " UTC"
	}
	return text
}

func shownSize(v any) string {
	n, ok := numberOf(v)
	if !ok {
		return shownText(v)
	}
	for _, name := range []string{"B", "kB", "MB", "GB"} {
		if n < 1000 {
			return strings.TrimSuffix(fmt.Sprintf("%.1f", n), ".0") + " " + name
		}
		n /= 1000
	}
	return fmt.Sprintf("%.1f TB", n)
}
