package scicattest

import (
	"net/http"
	"slices"

	"github.com/google/uuid"
)

func (s *Server) byID(list []Document, id string) Document {
	i := slices.IndexFunc(list, func(d Document) bool { return d["_id"] == id })
	if i < 0 {
		return nil
	}
	return list[i]
}

// signed adds what the server notes on every new document.
func (s *Server) signed(d Document, name string) Document {
	now := date(s.now())
	d["createdBy"], d["updatedBy"], d["createdAt"], d["updatedAt"], d["__v"] = name, name, now, now, jsonNumber(0)
	return d
}

func proposalDTO() dto {
	d := dto{text("proposalId"), {name: "email", checks: []check{isMail}}, text("title"), text("ownerGroup"),
		optionalTexts("accessGroups"), optionalTexts("instrumentIds"), optional("metadata", isAnObject),
		optional("startTime", isLooseTime), optional("endTime", isLooseTime), optional("MeasurementPeriodList", isList),
		optional("isPublished", isFlag), optional("pi_email", isMail), optional("numberOfDatasets")}
	for _, name := range []string{"pi_firstname", "pi_lastname", "firstname", "lastname", "abstract", "type", "parentProposalId"} {
		d = append(d, optionalText(name))
	}
	return d
}

func (s *Server) createProposal(c *call) answer {
	if !s.admin(c.user) {
		return forbidden()
	}
	sent := c.object()
	if wrong := proposalDTO().validate(sent); len(wrong) > 0 {
		return badRequest(wrong)
	}
	id, _ := sent["proposalId"].(string)
	if s.byID(s.proposals, id) != nil {
		return exception(http.StatusConflict, "Proposal with "+id+" already exists")
	}
	return created(s.addProposal(sent, c.user.Name))
}

func (s *Server) addProposal(sent Document, user string) Document {
	p := s.signed(Document{
		"accessGroups": []any{}, "isPublished": false, "MeasurementPeriodList": []any{}, "metadata": Document{},
		"parentProposalId": nil, "type": "Default Proposal", "instrumentIds": []any{}, "numberOfDatasets": jsonNumber(0),
	}, user)
	for k, v := range sent {
		p[k] = v
	}
	for _, name := range []string{"startTime", "endTime"} {
		if v, there := sent[name]; there {
			p[name] = storedDate(v)
		}
	}
	p["_id"], p["id"] = p["proposalId"], p["proposalId"]
	s.proposals = append(s.proposals, p)
	return p
}

func (s *Server) countForProposals(d Document) {
	for _, id := range texts(d["proposalIds"]) {
		if p := s.byID(s.proposals, id); p != nil {
			n, _ := numberOf(p["numberOfDatasets"])
			p["numberOfDatasets"], p["updatedAt"] = wholeNumber(n+1), date(s.now())
		}
	}
}

func (s *Server) getProposal(c *call) answer {
	p := s.byID(s.proposals, c.params[0])
	switch {
	case p == nil:
		return exception(http.StatusNotFound, "Proposal: "+c.params[0]+" not found")
	case !s.mayRead(c.user, p):
		return exception(http.StatusForbidden, "Unauthorized to this proposal")
	}
	return ok(p)
}

// query runs a plain filter, without the change of texts into dates.
func (s *Server) query(list []Document, text string, user *account, public bool) ([]Document, error) {
	f, err := readFilter(text, false)
	if err != nil {
		return nil, err
	}
	var visible []Document
	for _, d := range list {
		if public || s.mayRead(user, d) {
			visible = append(visible, d)
		}
	}
	return f.run(visible, func(d Document) Document { return d })
}

// listProposals takes its filter from filters, not filter.
func (s *Server) listProposals(c *call) answer {
	found, err := s.query(s.proposals, c.query.Get("filters"), c.user, false)
	if err != nil {
		return internalError()
	}
	return ok(anyList(found))
}

func (s *Server) createInstrument(c *call) answer {
	if !s.admin(c.user) {
		return forbidden()
	}
	sent := c.object()
	d := dto{text("uniqueName"), text("name"), optional("customMetadata", isAnObject)}
	if wrong := d.validate(sent); len(wrong) > 0 {
		return badRequest(wrong)
	}
	if slices.ContainsFunc(s.instruments, func(i Document) bool { return i["uniqueName"] == sent["uniqueName"] }) {
		return exception(http.StatusConflict, "Instrument with the same unique name already exists")
	}
	return created(s.addInstrument(sent, c.user.Name))
}

// addInstrument makes a pid without a slash, as the backend does.
func (s *Server) addInstrument(sent Document, user string) Document {
	i := s.signed(Document{"customMetadata": Document{}, "pid": s.opt.PIDPrefix + uuid.NewString()}, user)
	for k, v := range sent {
		i[k] = v
	}
	i["_id"], i["id"] = i["pid"], i["pid"]
	s.instruments = append(s.instruments, i)
	return i
}

func (s *Server) queryInstruments(c *call) ([]Document, *answer) {
	f, bad := parseFilter(c, true)
	if bad != nil {
		return nil, bad
	}
	found, err := f.run(s.instruments, func(d Document) Document { return d })
	if err != nil {
		a := exception(http.StatusBadRequest, err.Error())
		return nil, &a
	}
	return found, nil
}

func (s *Server) listInstruments(c *call) answer  { return listed(s.queryInstruments(c)) }
func (s *Server) countInstruments(c *call) answer { return counted(s.queryInstruments(c)) }
func (s *Server) findInstrument(c *call) answer   { return first(s.queryInstruments(c)) }

func (s *Server) getInstrument(c *call) answer {
	if i := s.byID(s.instruments, c.params[0]); i != nil {
		return ok(i)
	}
	return ok(nothing{})
}

func sampleDTO() dto {
	d := dto{text("ownerGroup"), optionalTexts("accessGroups"), optional("isPublished", isFlag), optional("sampleCharacteristics", isAnObject)}
	for _, name := range []string{"sampleId", "owner", "description", "type", "proposalId", "parentSampleId", "instrumentGroup"} {
		d = append(d, optionalText(name))
	}
	return d
}

func (s *Server) createSample(c *call) answer {
	if c.user == nil {
		return unauthenticated()
	}
	if !s.admin(c.user) && !c.user.in(s.opt.Roles.Samples) {
		return forbidden()
	}
	sent := c.object()
	if wrong := sampleDTO().validate(sent); len(wrong) > 0 {
		return badRequest(wrong)
	}
	if id, _ := sent["sampleId"].(string); id != "" && s.byID(s.samples, id) != nil {
		return internalError() // the backend's own answer to a duplicate
	}
	return created(s.addSample(sent, c.user.Name))
}

func (s *Server) addSample(sent Document, user string) Document {
	x := s.signed(Document{"accessGroups": []any{}, "isPublished": false, "sampleId": uuid.NewString()}, user)
	for k, v := range sent {
		x[k] = withSI(v)
	}
	x["_id"] = x["sampleId"]
	s.samples = append(s.samples, x)
	return x
}

func (s *Server) listSamples(c *call) answer {
	found, err := s.query(s.samples, c.query.Get("filter"), c.user, false)
	if err != nil {
		return internalError()
	}
	return ok(anyList(found))
}

func (s *Server) getSample(c *call) answer {
	x := s.byID(s.samples, c.params[0])
	switch {
	case x == nil:
		return exception(http.StatusNotFound, "Sample: "+c.params[0]+" not found")
	case !s.mayRead(c.user, x):
		return noAccess()
	}
	return ok(x)
}

func (s *Server) patchSample(c *call) answer {
	x := s.byID(s.samples, c.params[0])
	switch {
	case c.user == nil:
		return unauthenticated()
	case x == nil:
		return notFound()
	case !s.admin(c.user) && !owns(c.user, x):
		return noAccess()
	}
	sent := c.object()
	if wrong := sampleDTO().without("sampleId").partial().validate(sent); len(wrong) > 0 {
		return badRequest(wrong)
	}
	for k, v := range sent {
		x[k] = withSI(v)
	}
	x["updatedBy"], x["updatedAt"] = c.user.Name, date(s.now())
	return ok(x)
}
