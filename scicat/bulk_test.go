package scicat_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"ingestor/internal/fault"
	"ingestor/scicat"
	"ingestor/scicat/scicattest"
)

// library is a catalogue with datasets 10.1/0 and on: the even ones have a
// datablock, every third is not to be read by ingestor.
func library(t *testing.T, n int) (*scicattest.Server, []string) {
	t.Helper()
	s, err := scicattest.New(scicattest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	pids := make([]string, n)
	for i := range pids {
		pids[i] = fmt.Sprintf("10.1/%036d", i)
		group := "ingestor"
		if i%3 == 2 {
			group = "others"
		}
		err := s.AddDataset(scicattest.Document{
			"pid": pids[i], "ownerGroup": group,
			"scientificMetadata": scicattest.Document{
				"sample.no": scicattest.Document{"value": fmt.Sprintf("sample %d", i/2), "unit": ""}, // JavaScript reads a date
				"all":       scicattest.Document{"value": "same", "unit": ""},
				"tags":      scicattest.Document{"value": []string{"x", fmt.Sprint("tag ", i)}, "unit": ""},
			},
		})
		if err == nil && i%2 == 0 {
			err = s.AddDatablock(scicattest.Document{
				"datasetId": pids[i], "size": 1, "dataFileList": []any{scicattest.Document{"path": "x", "size": 1, "time": "2026-01-01T00:00:00Z"}},
			})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, pids
}

func reader(t *testing.T, s *scicattest.Server, token string) *scicat.Client {
	t.Helper()
	c, err := scicat.New(scicat.Options{BaseURL: s.BaseURL(), Token: scicat.StaticToken(token), MaxRetries: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestMany_DatasetsAreThoseThatTheAccountMayRead(t *testing.T) {
	s, pids := library(t, 120)
	c := reader(t, s, s.Token("ingestor"))
	asked := append(slices.Clone(pids), "10.1/none", pids[0], `"quoted" & +odd/é`)
	found, err := c.Datasets(t.Context(), asked)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 80 {
		t.Errorf("%d of 80 are found", len(found))
	}
	for i, pid := range pids {
		if found[pid] != (i%3 != 2) {
			t.Errorf("%s: %v", pid, found[pid])
		}
	}
	lists := 0
	for _, r := range s.Requests() {
		if len(r.Target) > 6<<10 {
			t.Errorf("an address of %d bytes", len(r.Target))
		}
		if strings.Contains(r.Target, "datasets") {
			lists++
		}
	}
	if lists != 3 {
		t.Errorf("asked %d times for 122 pids", lists)
	}
}

func TestMany_LongTextsAreSplitByTheAddress(t *testing.T) {
	s, _ := library(t, 1)
	c := reader(t, s, s.Token("ingestor"))
	var pids []string
	for i := range 20 {
		pids = append(pids, fmt.Sprintf("%d/%s", i, strings.Repeat("é", 100))) // 600 bytes escaped
	}
	pids = append(pids, strings.Repeat("x", 7000))
	if found, err := c.Datasets(t.Context(), pids); err != nil || len(found) != 0 {
		t.Errorf("%v, %v", found, err)
	}
	for _, r := range s.Requests() {
		if len(r.Target) > 6<<10 && !strings.Contains(r.Target, "xxx") {
			t.Errorf("an address of %d bytes", len(r.Target))
		}
	}
}

func TestMany_NothingIsAskedForNothing(t *testing.T) {
	s, _ := library(t, 0)
	c := reader(t, s, s.Token("ingestor"))
	a, errA := c.Datasets(t.Context(), nil)
	b, errB := c.DatablocksOf(t.Context(), []string{})
	if err := errors.Join(errA, errB); err != nil || len(a)+len(b)+len(s.Requests()) != 0 {
		t.Errorf("%v, %v, %v, %d requests", a, b, err, len(s.Requests()))
	}
}

func TestMany_DatablocksByDataset(t *testing.T) {
	s, pids := library(t, 60)
	for range 150 { // one dataset fills an answer by itself
		if err := s.AddDatablock(scicattest.Document{
			"datasetId": pids[10], "size": 1, "dataFileList": []any{scicattest.Document{"path": "x", "size": 1, "time": "2026-01-01T00:00:00Z"}},
		}); err != nil {
			t.Fatal(err)
		}
	}
	found, err := reader(t, s, s.Token("ingestor")).DatablocksOf(t.Context(), pids)
	if err != nil {
		t.Fatal(err)
	}
	for i, pid := range pids {
		if want := i%2 == 0 && i%3 != 2; want != (len(found[pid]) > 0) {
			t.Errorf("%s: %v", pid, found[pid])
		}
		if want := s.Datablocks(pid); len(found[pid]) == 1 && found[pid][0] != want[0]["_id"] {
			t.Errorf("%s: %v, want %v", pid, found[pid], want[0]["_id"])
		}
	}
	for _, r := range s.Requests() {
		if r.Status != 200 {
			t.Errorf("%s: %d", r.Target, r.Status)
		}
	}
}

func TestMany_DatasetsByTheirMetadata(t *testing.T) {
	s, pids := library(t, 240)
	c := reader(t, s, s.Token("ingestor"))
	found, err := c.DatasetsByMetadataValues(t.Context(), "sample.no", []string{"sample 0", "sample 1", "sample 99", "sample 500"})
	want := map[string][]string{"sample 0": {pids[0], pids[1]}, "sample 1": {pids[3]}, "sample 99": {pids[198], pids[199]}}
	if err != nil || fmt.Sprint(found) != fmt.Sprint(want) {
		t.Errorf("%v, %v, want %v", found, err, want)
	}
	found, err = c.DatasetsByMetadataValues(t.Context(), "tags", []string{"tag 3", "tag 4", "tag 5"})
	want = map[string][]string{"tag 3": {pids[3]}, "tag 4": {pids[4]}}
	if err != nil || fmt.Sprint(found) != fmt.Sprint(want) {
		t.Errorf("an element of a list: %v, %v, want %v", found, err, want)
	}
	// 160 match, so that an answer is cut.
	found, err = c.DatasetsByMetadataValues(t.Context(), "all", []string{"same", "other"})
	if err != nil || len(found["same"]) < 100 || len(found) != 1 {
		t.Errorf("%d of same, %d values, %v", len(found["same"]), len(found), err)
	}
}

func TestMany_AStaleTokenIsNotTakenForAnAbsence(t *testing.T) {
	s, pids := library(t, 3)
	if err := s.AddDataset(scicattest.Document{"pid": "10.1/published", "ownerGroup": "x", "isPublished": true}); err != nil {
		t.Fatal(err)
	}
	c := reader(t, s, "stale")
	if found, err := c.Datasets(t.Context(), append(pids, "10.1/published")); fault.KindOf(err) != fault.NotPermitted || errors.Is(err, scicat.ErrNoBulk) {
		t.Errorf("%v, %v", found, err)
	}
	if found, err := c.DatablocksOf(t.Context(), pids); fault.KindOf(err) != fault.NotPermitted || errors.Is(err, scicat.ErrNoBulk) {
		t.Errorf("%v, %v", found, err)
	}
	if found, err := c.DatasetsByMetadataValues(t.Context(), "all", []string{"same"}); fault.KindOf(err) != fault.NotPermitted || errors.Is(err, scicat.ErrNoBulk) {
		t.Errorf("%v, %v", found, err)
	}
	// What everybody may read needs no token.
	if found, err := c.Datasets(t.Context(), []string{"10.1/published"}); err != nil || !found["10.1/published"] {
		t.Errorf("%v, %v", found, err)
	}
}

func TestMany_AnswersThatDoNotHelpAreTold(t *testing.T) {
	for name, c := range map[string]struct {
		fault scicattest.Fault
		bulk  bool
		kind  fault.Kind
	}{
		"refused":               {scicattest.Fault{PathPattern: "where", Status: 400, Body: `{"message":"no"}`}, true, fault.BadInput},
		"not permitted":         {scicattest.Fault{PathPattern: "where", Status: 403, Body: `{"message":"Forbidden resource"}`}, true, fault.NotPermitted},
		"the address too long":  {scicattest.Fault{PathPattern: "where", Status: 431}, true, fault.BadInput},
		"broken":                {scicattest.Fault{PathPattern: "where", Status: 500}, true, fault.Unavailable},
		"no list":               {scicattest.Fault{PathPattern: "where", Status: 200, Body: `<html>`}, true, fault.Unavailable},
		"the field is left out": {scicattest.Fault{PathPattern: "where", Status: 200, Body: `[{"_id":"b"}]`}, true, fault.Unavailable},
		"cut":                   {scicattest.Fault{PathPattern: "where", Cut: scicattest.Before}, false, fault.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			s, pids := library(t, 2)
			if err := s.AddFault(c.fault); err != nil {
				t.Fatal(err)
			}
			_, err := reader(t, s, s.Token("ingestor")).DatablocksOf(t.Context(), pids)
			if errors.Is(err, scicat.ErrNoBulk) != c.bulk || fault.KindOf(err) != c.kind || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v of kind %v", err, fault.KindOf(err))
			}
		})
	}
}

func TestMany_MessagesDoNotListAllThatWasAskedFor(t *testing.T) {
	s, pids := library(t, 50)
	c := reader(t, s, s.Token("ingestor"))
	for _, f := range []scicattest.Fault{{Status: 503}, {Status: 400}, {Cut: scicattest.Before}} {
		s.ClearFaults()
		if err := s.AddFault(f); err != nil {
			t.Fatal(err)
		}
		_, err := c.Datasets(t.Context(), pids)
		if err == nil || len(err.Error()) > 600 || !strings.Contains(err.Error(), "/datasets?filter=") || !strings.Contains(err.Error(), "…") {
			t.Errorf("%v", err)
		}
	}
}

func TestMany_TheFilterIsWhatTheBackendReads(t *testing.T) {
	s, _ := library(t, 1)
	c := reader(t, s, s.Token("ingestor"))
	_, errA := c.Datasets(t.Context(), []string{"b", "a"})
	_, errB := c.DatablocksOf(t.Context(), []string{"a"})
	_, errC := c.DatasetsByMetadataValues(t.Context(), "k.l", []string{"a"})
	if err := errors.Join(errA, errB, errC); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range s.Requests() {
		u, err := url.Parse(r.Target)
		if err != nil || r.Method != http.MethodGet {
			t.Fatal(r.Method, err)
		}
		if text := u.Query().Get("filter"); text != "" {
			got = append(got, strings.TrimPrefix(u.Path, "/api/v3/")+" "+text)
		}
	}
	want := []string{
		`datasets {"fields":{"pid":true},"limits":{"limit":100},"where":{"pid":{"inq":["a","b"]}}}`,
		`origdatablocks {"fields":{"datasetId":true},"limits":{"limit":100},"where":{"datasetId":{"$in":["a"]}}}`,
		`datasets {"fields":{"pid":true,"scientificMetadata.k%2El.value":true},"limits":{"limit":100},"where":{"scientificMetadata.k%2El.value":{"inq":["a"]}}}`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestLookups_NextKnowsWhatWasFoundOnly(t *testing.T) {
	s, pids := library(t, 1)
	if err := s.AddInstrument(scicattest.Document{"name": "odin", "pid": "i"}); err != nil {
		t.Fatal(err)
	}
	first := reader(t, s, s.Token("ingestor")).Lookups()
	texts := map[string]int{ // how often three files ask
		"datasets/" + url.PathEscape(pids[0]):          1,
		`instruments?filter={"where":{"name":"odin"}}`: 1,
		`instruments?filter={"where":{"name":"none"}}`: 3,
		"proposals/none":   3,
		"instruments/none": 3, // an empty body
		`datasets?filter={"where":{"datasetName":"nothing"}}`: 3,
	}
	l := first
	for range 3 {
		for _, text := range slices.Sorted(maps.Keys(texts)) {
			for range 2 {
				body, err := l.Lookup(t.Context(), text)
				if texts[text] == 1 && (err != nil || !json.Valid(body) || len(body) < 10) {
					t.Errorf("%s: %q, %v", text, body, err)
				}
			}
		}
		l = l.Next()
	}
	for text, want := range texts {
		n := 0
		for _, r := range s.Requests() {
			target, err := url.PathUnescape(r.Target)
			plain, e := url.PathUnescape(text)
			if err == nil && e == nil && strings.HasSuffix(target, plain) {
				n++
			}
		}
		if n != want {
			t.Errorf("%s: asked for %d times, want %d", text, n, want)
		}
	}
}
