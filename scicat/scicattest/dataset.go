package scicattest

import (
	"encoding/hex"
	"path"
	"strings"
	"time"

	"github.com/google/uuid"
)

// plurals are the fields that version 3 shows in the singular and stores as a
// list.
var plurals = []struct{ one, many string }{
	{"proposalId", "proposalIds"}, {"sampleId", "sampleIds"}, {"instrumentId", "instrumentIds"},
	{"principalInvestigator", "principalInvestigators"},
}

func newObjectID() string {
	raw, err := randomBytes(12)
	if err != nil {
		return "000000000000000000000000"
	}
	return hex.EncodeToString(raw)
}

// stored makes the database's form of a dataset from what was sent. base is the
// stored document when one is changed.
func stored(sent, base Document, kind any) Document {
	d := Document{}
	for k, v := range base {
		d[k] = v
	}
	for k, v := range sent {
		d[k] = v
	}
	if v, there := sent["investigator"]; there && kind == "derived" {
		d["principalInvestigator"] = v
		delete(d, "investigator")
	}
	for _, p := range plurals {
		one, there := d[p.one]
		delete(d, p.one)
		_, many := d[p.many]
		switch {
		case there:
			d[p.many] = []any{one}
		case many:
		case p.one == "principalInvestigator", kind != "raw" && (kind != "derived" || p.one != "proposalId"):
			d[p.many] = []any{}
		default:
			d[p.many] = []any{nil} // as the backend really stores it
		}
	}
	for _, name := range []string{"creationTime", "startTime", "endTime"} {
		if v, there := sent[name]; there {
			d[name] = storedDate(v)
		}
	}
	if v, there := sent["scientificMetadata"]; there {
		if list, isList := v.([]any); isList {
			o := Document{}
			for i, item := range list {
				o[jsonNumber(float64(i)).String()] = item
			}
			v = o
		}
		d["scientificMetadata"] = encodeKeys(withSI(v))
	}
	if folder, ok := d["sourceFolder"].(string); ok && len(folder) > 1 {
		d["sourceFolder"] = strings.TrimSuffix(folder, "/")
	}
	for _, name := range []string{"techniques", "relationships"} {
		list, _ := d[name].([]any)
		for i, item := range list {
			if o, isObject := item.(Document); isObject {
				o = deepCopy(o).(Document)
				o["_id"] = newObjectID()
				list[i] = o
			}
		}
	}
	for _, name := range []string{"accessGroups", "sharedWith", "keywords", "techniques", "relationships", "inputDatasets", "usedSoftware"} {
		if d[name] == nil {
			d[name] = []any{}
		}
	}
	for _, name := range []string{"size", "packedSize", "numberOfFiles", "numberOfFilesArchived"} {
		if d[name] == nil {
			d[name] = jsonNumber(0)
		}
	}
	if d["isPublished"] == nil {
		d["isPublished"] = false
	}
	if _, there := d["scientificMetadata"]; !there {
		d["scientificMetadata"] = Document{}
	}
	return d
}

// newDataset adds what the server makes.
func (s *Server) newDataset(sent Document, user *account) Document {
	kind := sent["type"]
	d := stored(sent, nil, kind)
	if _, there := sent["pid"]; !there {
		d["pid"] = s.opt.PIDPrefix + "/" + uuid.NewString()
	}
	if d["datasetName"] == nil {
		folder, _ := d["sourceFolder"].(string)
		parent := path.Base(path.Dir(folder))
		d["datasetName"] = strings.TrimPrefix(path.Join(parent, path.Base(folder)), "/")
	}
	now := s.now()
	d["_id"], d["__v"], d["version"] = d["pid"], jsonNumber(0), "3"
	d["classification"] = "IN=medium,AV=low,CO=low"
	d["createdBy"], d["updatedBy"] = user.Name, user.Name
	d["createdAt"], d["updatedAt"] = date(now), date(now)
	d["datasetlifecycle"] = lifecycle(sent["datasetlifecycle"], now)
	return d
}

func lifecycle(sent any, now time.Time) Document {
	soon := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	l := Document{
		"archivable": true, "retrievable": false, "publishable": false, "isOnCentralDisk": true,
		"archiveStatusMessage": "datasetCreated", "retrieveStatusMessage": "", "retrieveIntegrityCheck": false,
		"dateOfDiskPurging": date(now), "publishedOn": date(now), "archiveRetentionTime": date(soon),
		"dateOfPublishing": date(soon), "_id": newObjectID(),
	}
	o, _ := sent.(Document)
	for name, v := range o {
		if _, known := l[name]; known && name != "_id" {
			l[name] = v
		}
	}
	return l
}

// datasetView is a dataset as version 3 shows it.
func datasetView(d Document) Document {
	out := Document{}
	for k, v := range d {
		out[k] = v
	}
	for _, p := range plurals {
		if list, ok := d[p.many].([]any); ok && len(list) > 0 {
			out[p.one] = list[0]
		}
	}
	if _, there := d["scientificMetadata"]; there {
		out["scientificMetadata"] = decodeKeys(d["scientificMetadata"])
	}
	return out
}

// dataset finds a stored dataset. The caller holds mu.
func (s *Server) dataset(pid string) Document {
	if found := s.datasets.find("pid", pid); len(found) > 0 {
		return found[0]
	}
	return nil
}

// readable is the dataset with this pid if the user may see it, else the answer
// that says why not. Absent and forbidden are told apart for everybody.
func (s *Server) readable(pid string, user *account) (Document, *answer) {
	d := s.dataset(pid)
	if d == nil {
		a := exception(404, "dataset: "+pid+" not found")
		return nil, &a
	}
	if !s.mayRead(user, d) {
		a := noAccess()
		return nil, &a
	}
	return d, nil
}

// visible are those documents that the user may see.
func (s *Server) visible(user *account, among []Document) []Document {
	var out []Document
	for _, d := range among {
		if s.mayRead(user, d) {
			out = append(out, d)
		}
	}
	return out
}
