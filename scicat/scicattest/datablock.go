package scicattest

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/google/uuid"
)

func fileDTO() dto {
	d := dto{text("path"), {name: "size", checks: []check{isNumeric}}, {name: "time", checks: []check{isLooseTime}}}
	for _, name := range []string{"chk", "uid", "gid", "perm", "type"} {
		d = append(d, optionalText(name))
	}
	return d
}

func nestedDatablockDTO() dto {
	return dto{
		{name: "size", checks: []check{isWhole}},
		{name: "dataFileList", checks: []check{isFilledList, isList}, elements: fileDTO()},
		{name: "chkAlg", optional: true, checks: []check{isFilled, isText}},
		optionalText("ownerGroup"), optionalTexts("accessGroups"), optionalText("instrumentGroup"),
		optional("isPublished", isFlag),
	}
}

func datablockDTO() dto { return append(nestedDatablockDTO(), text("datasetId")) }

// datablockBody is the body of a call, checked.
func datablockBody(c *call, d dto) (Document, *answer) {
	if c.notJSON {
		a := internalError()
		return nil, &a
	}
	sent := c.object()
	if sent == nil {
		sent = Document{}
	}
	if wrong := d.validate(sent); len(wrong) > 0 {
		a := badRequest(wrong)
		return nil, &a
	}
	return sent, nil
}

func (s *Server) createDatablock(c *call) answer {
	if !s.mayCreate(c.user) {
		return forbidden()
	}
	sent, refusal := datablockBody(c, datablockDTO())
	if refusal != nil {
		return *refusal
	}
	pid, _ := sent["datasetId"].(string)
	d := s.dataset(pid)
	if d == nil {
		return exception(http.StatusNotFound, "Dataset: "+pid+" not found for attaching an origdatablock")
	}
	return s.attach(c, d, sent)
}

func (s *Server) createNestedDatablock(c *call) answer {
	if !s.mayCreate(c.user) {
		return forbidden()
	}
	sent, refusal := datablockBody(c, nestedDatablockDTO())
	if refusal != nil {
		return *refusal
	}
	d := s.dataset(c.params[0])
	if d == nil {
		return exception(http.StatusNotFound, "dataset: "+c.params[0]+" not found")
	}
	return s.attach(c, d, sent)
}

// attach stores a datablock; nothing keeps it from being there twice.
func (s *Server) attach(c *call, d, sent Document) answer {
	if !s.admin(c.user) && !c.user.in(s.opt.Roles.Privileged) && !owns(c.user, d) {
		return noAccess()
	}
	return created(s.addDatablock(d, sent, c.user.Name))
}

func (s *Server) addDatablock(d, sent Document, user string) Document {
	b := deepCopyKeepingDates(sent)
	files, _ := b["dataFileList"].([]any)
	for _, f := range files {
		if o, isObject := f.(Document); isObject {
			id := newObjectID()
			o["_id"], o["id"], o["time"] = id, id, storedDate(o["time"])
		}
	}
	now, id := date(s.now()), uuid.NewString()
	b["_id"], b["id"], b["__v"], b["datasetId"] = id, id, jsonNumber(0), d["pid"]
	b["createdBy"], b["updatedBy"], b["createdAt"], b["updatedAt"] = user, user, now, now
	if b["isPublished"] == nil {
		b["isPublished"] = false
	}
	// The groups are the dataset's, whatever was sent.
	b["ownerGroup"], b["accessGroups"] = d["ownerGroup"], d["accessGroups"]
	if g, there := d["instrumentGroup"]; there {
		b["instrumentGroup"] = g
	} else {
		delete(b, "instrumentGroup")
	}
	s.datablocks.add(b)
	s.sumUp(d, user)
	return b
}

// sumUp sets size and number of files of a dataset from all its datablocks.
func (s *Server) sumUp(d Document, user string) {
	var size float64
	files := 0
	for _, b := range s.blocksOf(d["pid"]) {
		if n, isNumber := b["size"].(json.Number); isNumber {
			if f, err := n.Float64(); err == nil {
				size += f
			}
		}
		list, _ := b["dataFileList"].([]any)
		files += len(list)
	}
	d["size"], d["numberOfFiles"] = wholeNumber(size), wholeNumber(float64(files))
	d["updatedBy"], d["updatedAt"] = user, date(s.now())
}

func (s *Server) blocksOf(pid any) []Document {
	text, _ := pid.(string)
	return s.datablocks.find("datasetId", text)
}

func (s *Server) nestedDatablocks(c *call) answer {
	d, refusal := s.readable(c.params[0], c.user)
	if refusal != nil {
		return *refusal
	}
	return ok(anyList(s.blocksOf(d["pid"])))
}

func (s *Server) countNestedDatablocks(c *call) answer {
	d, refusal := s.readable(c.params[0], c.user)
	if refusal != nil {
		return *refusal
	}
	return ok(Document{"count": len(s.blocksOf(d["pid"]))})
}

// listDatablocks leaves out what the user may not see, without a word.
func (s *Server) listDatablocks(c *call) answer {
	if c.user == nil {
		return forbidden()
	}
	f, err := readFilter(c.query.Get("filter"), false)
	if err != nil {
		return exception(http.StatusBadRequest, "Invalid JSON in filter: "+scriptError(c.query.Get("filter"), err))
	}
	if usesOwnOperators(f.where) {
		return internalError()
	}
	found, err := f.run(s.visible(c.user, s.datablocks.candidates(f.where)), func(b Document) Document { return b })
	if err != nil {
		return exception(http.StatusBadRequest, err.Error())
	}
	return ok(anyList(found))
}

// usesOwnOperators says that a condition names an operator as the dataset filters
// do. Here they go to the database unread, which can make no text of such an object.
func usesOwnOperators(where Document) bool {
	for _, condition := range where {
		o, _ := condition.(Document)
		for name := range o {
			if !strings.HasPrefix(name, "$") {
				return true
			}
		}
	}
	return false
}

func (s *Server) datablock(id string) Document {
	if found := s.datablocks.find("_id", id); len(found) > 0 {
		return found[0]
	}
	return nil
}

// getDatablock does not tell an unknown id from a forbidden one.
func (s *Server) getDatablock(c *call) answer {
	b := s.datablock(c.params[0])
	if b == nil || !s.mayRead(c.user, b) {
		return noAccess()
	}
	return ok(b)
}

func (s *Server) patchDatablock(c *call) answer {
	b := s.datablock(c.params[0])
	if c.user == nil {
		return forbidden()
	}
	if b == nil || !s.admin(c.user) && !owns(c.user, b) {
		return noAccess()
	}
	sent, refusal := datablockBody(c, nestedDatablockDTO().partial())
	if refusal != nil {
		return *refusal
	}
	for k, v := range sent {
		b[k] = v
	}
	s.datablocks.changed()
	b["updatedBy"], b["updatedAt"] = c.user.Name, date(s.now())
	if d := s.dataset(scriptText(b["datasetId"])); d != nil {
		s.sumUp(d, c.user.Name)
	}
	return ok(b)
}

func (s *Server) deleteDatablock(c *call) answer {
	b := s.datablock(c.params[0])
	switch {
	case !c.user.in(s.opt.Roles.Delete):
		return forbidden()
	case b == nil:
		return noAccess()
	}
	s.datablocks.remove(b)
	if d := s.dataset(scriptText(b["datasetId"])); d != nil {
		s.sumUp(d, c.user.Name)
	}
	return ok(b)
}

// validateDatablock answers whether the body would pass, with the validator's
// whole report.
func (s *Server) validateDatablock(c *call) answer {
	if !s.mayCreate(c.user) {
		return forbidden()
	}
	sent := c.object()
	errs := []any{}
	for _, v := range datablockDTO().validate(sent) {
		item, _ := report([]violation{v})[0].(Document)
		item["target"] = sent
		if value, there := sent[v.property]; there {
			item["value"] = value
		}
		errs = append(errs, item)
	}
	return ok(Document{"valid": len(errs) == 0, "errors": errs})
}
