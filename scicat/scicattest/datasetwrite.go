package scicattest

import (
	"net/http"
	"slices"
	"strings"
)

func (s *Server) createDataset(c *call) answer {
	if !s.mayCreate(c.user) {
		return forbidden()
	}
	sent, refusal := datasetBody(c)
	if refusal != nil {
		return *refusal
	}
	if wrong := dtoOf(sent["type"]).validate(sent); len(wrong) > 0 {
		return badDataset(reportText(wrong))
	}
	pid, withPID := sent["pid"]
	group, _ := sent["ownerGroup"].(string)
	if !s.mayCreateThis(c.user, group, withPID) {
		return exception(http.StatusForbidden, "Unauthorized to create this dataset")
	}
	if s.opt.PIDPattern != nil && withPID && !s.opt.PIDPattern.MatchString(scriptText(pid)) {
		return exception(http.StatusBadRequest, "PID is not following required standards")
	}
	d := s.newDataset(sent, c.user)
	if a, bad := databaseCheck("DatasetClass", d, "pid", "owner", "datasetName"); bad {
		return a
	}
	if id, _ := d["pid"].(string); s.dataset(id) != nil {
		return exception(http.StatusConflict, "A dataset with pid "+id+" already exists!")
	}
	s.datasets.add(d)
	s.countForProposals(d)
	view := datasetView(d)
	// The answer to a POST lacks what was not sent; a later GET shows null.
	for _, p := range plurals[:3] {
		if _, given := sent[p.one]; !given && view[p.one] == nil {
			delete(view, p.one)
		}
	}
	return created(view)
}

// datasetBody is the body of a call as an object.
func datasetBody(c *call) (Document, *answer) {
	if c.notJSON {
		a := internalError()
		return nil, &a
	}
	if c.body == nil {
		c.body = Document{}
	}
	sent, isObject := c.body.(Document)
	if !isObject {
		a := badDataset(`[{"children":[],"constraints":{"unknownValue":"an unknown value was passed to the validate function"}}]`)
		return nil, &a
	}
	return sent, nil
}

// databaseCheck is the database's own validation, which the endpoints let
// through as a 500: these fields must be there and not empty.
func databaseCheck(class string, d Document, names ...string) (answer, bool) {
	errs := Document{}
	var texts []string
	for _, name := range names {
		v := d[name]
		if v != nil && v != "" {
			continue
		}
		message := "Path `" + name + "` is required."
		properties := Document{"message": message, "type": "required", "path": name, "value": v}
		if v == "" {
			properties["length"] = 0
		}
		errs[name] = Document{"name": "ValidatorError", "message": message, "properties": properties,
			"kind": "required", "path": name, "value": v}
		texts = append(texts, name+": "+message)
	}
	if len(errs) == 0 {
		return answer{}, false
	}
	return answer{http.StatusInternalServerError, Document{
		"errors": errs, "_message": class + " validation failed", "name": "ValidationError",
		"message": class + " validation failed: " + strings.Join(texts, ", "),
	}}, true
}

// validateDataset answers whether the body would pass. It does not mind unknown
// fields.
func (s *Server) validateDataset(c *call) answer {
	if !s.mayCreate(c.user) {
		return forbidden()
	}
	sent, refusal := datasetBody(c)
	if refusal != nil {
		return *refusal
	}
	var texts []string
	for _, text := range sentences("", dtoOf(sent["type"]).validate(sent)) {
		if t, _ := text.(string); !strings.HasSuffix(t, "should not exist") {
			texts = append(texts, t)
		}
	}
	if len(texts) == 0 {
		return ok(Document{"valid": true})
	}
	return ok(Document{"valid": false, "error": strings.Join(texts, "; ")})
}

// changeable is the dataset that a call may change, or why it may not.
func (s *Server) changeable(c *call) (Document, *answer) {
	var a answer
	d := s.dataset(c.params[0])
	switch {
	case !s.mayCreate(c.user):
		a = forbidden()
	case d == nil:
		a = notFound()
	case !s.admin(c.user) && !owns(c.user, d):
		a = exception(http.StatusForbidden, "Unauthorized to update this dataset")
	default:
		return d, nil
	}
	return nil, &a
}

func (s *Server) patchDataset(c *call) answer {
	d, refusal := s.changeable(c)
	if refusal != nil {
		return *refusal
	}
	sent, refusal := datasetBody(c)
	if refusal != nil {
		return *refusal
	}
	if wrong := dtoOf(d["type"]).without("pid", "type").partial().validate(sent); len(wrong) > 0 {
		return badDataset(reportText(wrong))
	}
	if since, err := http.ParseTime(c.header.Get("If-Unmodified-Since")); err == nil {
		if changed, isDate := d["updatedAt"].(date); isDate && !since.After(timeOf(changed)) {
			return exception(http.StatusPreconditionFailed, "Resource has been modified on server")
		}
	}
	return s.replace(c, d, stored(sent, d, d["type"]))
}

// putDataset replaces everything, and loses version, classification and type as
// the backend does.
func (s *Server) putDataset(c *call) answer {
	d, refusal := s.changeable(c)
	if refusal != nil {
		return *refusal
	}
	sent, refusal := datasetBody(c)
	if refusal != nil {
		return *refusal
	}
	if wrong := dtoOf(d["type"]).without("pid", "type").validate(sent); len(wrong) > 0 {
		return badDataset(reportText(wrong))
	}
	out := stored(sent, nil, "raw")
	for _, name := range []string{"pid", "_id", "createdBy", "createdAt"} {
		out[name] = d[name]
	}
	out["datasetlifecycle"] = lifecycle(sent["datasetlifecycle"], s.now())
	return s.replace(c, d, out)
}

func (s *Server) replace(c *call, old, d Document) answer {
	d["updatedBy"], d["updatedAt"] = c.user.Name, date(s.now())
	s.datasets.replace(old, d)
	return ok(datasetView(d))
}

func (s *Server) appendToArray(c *call) answer {
	d, refusal := s.changeable(c)
	if refusal != nil {
		return *refusal
	}
	var more []any
	if err := decodeJSON([]byte(c.query.Get("data")), &more); err != nil {
		return exception(http.StatusBadRequest, err.Error())
	}
	out := deepCopyKeepingDates(d)
	name := c.query.Get("fieldName")
	list, _ := out[name].([]any)
	out[name] = append(slices.Clone(list), more...)
	a := s.replace(c, d, out)
	return created(a.body)
}

// deleteDataset leaves the datablocks behind, as the backend does.
func (s *Server) deleteDataset(c *call) answer {
	if !c.user.in(s.opt.Roles.Delete) {
		return forbidden()
	}
	d := s.dataset(c.params[0])
	if d == nil {
		return notFound()
	}
	s.datasets.remove(d)
	out := deepCopyKeepingDates(d)
	out["id"] = out["_id"]
	return ok(out)
}
