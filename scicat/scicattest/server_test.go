package scicattest_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"ingestor/scicat"
	"ingestor/scicat/scicattest"
)

// ask sends one request and gives status and body; status 0 is no answer.
func ask(t *testing.T, s *scicattest.Server, user, method, target string, body any) (int, string) {
	t.Helper()
	var in io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		in = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL()+target, in)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if user != "" {
		req.Header.Set("Authorization", "Bearer "+s.Token(user))
	}
	resp, err := (&http.Client{}).Do(req)
	if err != nil {
		return 0, err.Error()
	}
	out, err := io.ReadAll(resp.Body)
	if err := resp.Body.Close(); err != nil {
		t.Error(err)
	}
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(out)
}

func defaultServer(t *testing.T) *scicattest.Server {
	t.Helper()
	return recordedServer(t, func(o *scicattest.Options) { *o = scicattest.Options{} })
}

func rawDataset(pid string) scicattest.Document {
	return scicattest.Document{
		"pid": pid, "type": "raw", "ownerGroup": "g", "accessGroups": []string{"ingestor"}, "owner": "Ada", "contactEmail": "a@site.example",
		"sourceFolder": "/data", "creationTime": "2025-01-01T00:00:00Z", "principalInvestigator": "Ada", "creationLocation": "here",
		"datasetName": "name",
	}
}

func TestLongBodies(t *testing.T) {
	s := defaultServer(t)
	d := rawDataset("x/1")
	d["description"] = strings.Repeat("x", 15<<20)
	if status, body := ask(t, s, "ingestor", "POST", "/api/v3/datasets", d); status != 201 {
		t.Errorf("15 MiB: %d %.200s", status, body)
	}
	d["description"] = strings.Repeat("x", 17<<20)
	if status, body := ask(t, s, "ingestor", "POST", "/api/v3/datasets", d); status != 500 || body != `"Internal server error"` {
		t.Errorf("17 MiB: %d %.200s", status, body)
	}
}

func TestOnePIDIsStoredOnce(t *testing.T) {
	s := defaultServer(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	seen := map[int]int{}
	for range 16 {
		wg.Go(func() {
			status, _ := ask(t, s, "ingestor", "POST", "/api/v3/datasets", rawDataset("x/1"))
			mu.Lock()
			seen[status]++
			mu.Unlock()
		})
	}
	wg.Wait()
	if seen[201] != 1 || seen[409] != 15 || len(s.Datasets()) != 1 {
		t.Errorf("%v, %d stored", seen, len(s.Datasets()))
	}
}

func TestDatablocksAreSummed(t *testing.T) {
	s := defaultServer(t)
	if err := s.AddDataset(rawDataset("x/1")); err != nil {
		t.Fatal(err)
	}
	file := scicattest.Document{"path": "a", "size": 5, "time": "2025-01-01T00:00:00Z"}
	block := scicattest.Document{"datasetId": "x/1", "size": 7, "dataFileList": []any{file, file}}
	if err := s.AddDatablock(block); err != nil {
		t.Fatal(err)
	}
	if status, body := ask(t, s, "ingestor", "POST", "/api/v3/origdatablocks", block); status != 201 {
		t.Fatalf("%d %s", status, body)
	}
	d, _ := s.Dataset("x/1")
	if d["size"] != json.Number("14") || d["numberOfFiles"] != json.Number("4") || len(s.Datablocks("x/1")) != 2 {
		t.Errorf("%v bytes in %v files", d["size"], d["numberOfFiles"])
	}
	if err := s.AddDatablock(scicattest.Document{"datasetId": "none"}); err == nil {
		t.Error("a datablock of nothing is taken")
	}
}

func TestFaults(t *testing.T) {
	tests := []struct {
		name   string
		fault  scicattest.Fault
		want   []int // statuses of four POSTs of new datasets
		stored int
	}{
		{"every one", scicattest.Fault{Status: 503}, []int{503, 503, 503, 503}, 0},
		{"the second", scicattest.Fault{Nth: 2, Status: 503}, []int{201, 503, 201, 201}, 3},
		{"two after one", scicattest.Fault{Skip: 1, Times: 2, Status: 500}, []int{201, 500, 500, 201}, 2},
		{"another method", scicattest.Fault{Method: "GET", Status: 503}, []int{201, 201, 201, 201}, 4},
		{"another path", scicattest.Fault{PathPattern: "origdatablocks", Status: 503}, []int{201, 201, 201, 201}, 4},
		{"another run", scicattest.Fault{Run: 2, Status: 503}, []int{201, 201, 201, 201}, 4},
		{"carried out all the same", scicattest.Fault{Status: 502, Acted: true}, []int{502, 502, 502, 502}, 4},
		{"cut before", scicattest.Fault{Cut: scicattest.Before, Times: 1}, []int{0, 201, 201, 201}, 3},
		{"cut after", scicattest.Fault{Cut: scicattest.After, Times: 1}, []int{0, 201, 201, 201}, 4},
		{"cut during", scicattest.Fault{Cut: scicattest.During, Times: 1}, []int{0, 201, 201, 201}, 4},
		{"slow", scicattest.Fault{Delay: time.Millisecond}, []int{201, 201, 201, 201}, 4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := defaultServer(t)
			if err := s.AddFault(tt.fault); err != nil {
				t.Fatal(err)
			}
			for i, want := range tt.want {
				pid := "x/" + string(rune('a'+i))
				if status, body := ask(t, s, "ingestor", "POST", "/api/v3/datasets", rawDataset(pid)); status != want {
					t.Errorf("POST %d: %d, want %d: %s", i+1, status, want, body)
				}
			}
			if n := len(s.Datasets()); n != tt.stored {
				t.Errorf("%d stored, want %d", n, tt.stored)
			}
			if n := len(s.Requests()); n != len(tt.want) {
				t.Errorf("%d requests are recorded", n)
			}
			s.ClearFaults()
			if status, _ := ask(t, s, "", "GET", "/api/v3/health", nil); status != 200 {
				t.Errorf("without faults: %d", status)
			}
		})
	}
	if err := defaultServer(t).AddFault(scicattest.Fault{PathPattern: "("}); err == nil {
		t.Error("a bad pattern is taken")
	}
}

func TestClose_EndsADelay(t *testing.T) {
	s := defaultServer(t)
	if err := s.AddFault(scicattest.Fault{Delay: time.Hour}); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		ask(t, s, "", "GET", "/api/v3/health", nil)
	}()
	for len(s.Requests()) == 0 {
		time.Sleep(time.Millisecond)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	<-done
}

func TestSeedAndFixedTokens(t *testing.T) {
	s := recordedServer(t, func(o *scicattest.Options) {
		*o = scicattest.Options{Users: scicattest.DefaultUsers(), Roles: scicattest.DefaultRoles()}
		o.Users[1].Tokens = []string{"TOKEN123"}
	})
	for _, err := range []error{
		s.AddInstrument(scicattest.Document{"name": "ODIN", "uniqueName": "ess:odin", "pid": "instr-1"}),
		s.AddSample(scicattest.Document{"sampleId": "S", "ownerGroup": "ingestor", "description": "d"}),
		s.AddProposal(scicattest.Document{"proposalId": "P", "title": "t", "accessGroups": []string{"ingestor"}}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, target := range []string{"instruments/instr-1", "samples/S", "proposals/P"} {
		req, err := http.NewRequestWithContext(t.Context(), "GET", s.BaseURL()+"/"+target, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer TOKEN123")
		resp, err := (&http.Client{}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
		if resp.StatusCode != 200 || resp.ContentLength < 10 {
			t.Errorf("%s: %d, %d bytes", target, resp.StatusCode, resp.ContentLength)
		}
	}
	if err := s.AddProposal(scicattest.Document{"title": "t"}); err == nil {
		t.Error("a proposal without id is taken")
	}
}

func TestPage(t *testing.T) {
	s := defaultServer(t)
	if status, body := ask(t, s, "", "GET", "/", nil); status != 200 || !strings.Contains(body, "Nothing is registered yet") {
		t.Errorf("empty: %d %s", status, body)
	}
	for _, pid := range []string{"10.1/first", `10.1/<b>"&second`} {
		d := rawDataset(pid)
		d["datasetName"] = "<script>alert(1)</script>" + pid
		d["scientificMetadata"] = scicattest.Document{"t": scicattest.Document{"value": 280.5, "unit": "K", "human_name": "Sample <temperature>"}, "plain": "x"}
		if err := s.AddDataset(d); err != nil {
			t.Fatal(err)
		}
	}
	file := scicattest.Document{"path": "/data/<a>.hdf", "size": 29495, "time": "2024-10-28T09:18:15Z", "chk": "abcdef"}
	if err := s.AddDatablock(scicattest.Document{"datasetId": "10.1/first", "size": 29495, "chkAlg": "blake2b", "dataFileList": []any{file}}); err != nil {
		t.Fatal(err)
	}
	_, list := ask(t, s, "", "GET", "/", nil)
	first, second := strings.Index(list, "10.1/first"), strings.Index(list, "second")
	if first < 0 || second < 0 || second > first {
		t.Errorf("the newest is not first: %d %d", first, second)
	}
	status, one := ask(t, s, "", "GET", "/view?pid=10.1%2Ffirst", nil)
	for _, want := range []string{"Sample &lt;temperature&gt;", "280.5", "29.5 kB", "/data/&lt;a&gt;.hdf", "abcdef", "2024-10-28 09:18:15 UTC", "blake2b"} {
		if !strings.Contains(one, want) {
			t.Errorf("%d, the page does not show %q", status, want)
		}
	}
	if strings.Contains(list+one, "<script") || strings.Contains(list, "<b>") {
		t.Error("a value is not escaped")
	}
	if status, body := ask(t, s, "", "GET", "/view?pid=none%3Cb%3E", nil); status != 404 || strings.Contains(body, "<b>") {
		t.Errorf("missing: %d %s", status, body)
	}
	if n := len(s.Requests()); n != 0 {
		t.Errorf("%d looks at the page are recorded", n)
	}
}

func TestNew_RefusesFaultyUsers(t *testing.T) {
	if _, err := scicattest.New(scicattest.Options{Users: []scicattest.User{{Name: "a"}, {Name: "a"}, {}}}); err == nil ||
		!strings.Contains(err.Error(), "twice") || !strings.Contains(err.Error(), "no name") {
		t.Errorf("%v", err)
	}
}

// TestAccounts_ChangeWhileTheServerRuns: passwords, and what tokens are good.
func TestAccounts_ChangeWhileTheServerRuns(t *testing.T) {
	s, err := scicattest.New(scicattest.Options{Users: []scicattest.User{{Name: "robot", Password: "one", Tokens: []string{"fixed"}}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	check := func(token string) bool {
		c, err := scicat.New(scicat.Options{BaseURL: s.BaseURL(), Token: scicat.StaticToken(token), MaxRetries: -1})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		return c.CheckToken(t.Context()) == nil
	}
	c, err := scicat.New(scicat.Options{BaseURL: s.BaseURL(), MaxRetries: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s.SetTokenLife(2 * time.Minute)
	token, err := c.Login(t.Context(), "robot", "one")
	if left := time.Until(token.Expires); err != nil || left > 2*time.Minute || left < time.Minute {
		t.Errorf("%v %v", left, err)
	}
	s.SetPassword("robot", "two")
	if _, err := c.Login(t.Context(), "robot", "one"); err == nil {
		t.Error("the old password is good")
	}
	if !check(token.Value) || !check("fixed") || check("other") {
		t.Error("tokens do not outlive a change of the password")
	}
	if err := s.RevokeTokens(); err != nil {
		t.Fatal(err)
	}
	if check(token.Value) || check("fixed") {
		t.Error("revoked tokens are good")
	}
	again, err := c.Login(t.Context(), "robot", "two")
	if err != nil || !check(again.Value) {
		t.Errorf("login after the revocation: %v", err)
	}
	s.SetTokens("robot", "other")
	if !check("other") || check("fixed") || !check(again.Value) {
		t.Error("tokens that are accepted as they are do not change")
	}
}
