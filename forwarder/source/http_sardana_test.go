package source

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"ingestor/internal/fault"
)

// sardanaServer is a source that listens at a free port.
func sardanaServer(t *testing.T, up *Upstream) (*sardana, string) {
	t.Helper()
	made, err := New(Settings{Stream: "s", Source: "http_sardana", URL: "http://127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	s := made.(*sardana)
	if err := s.Listen(up); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := s.Shut(); err != nil {
			t.Error(err)
		}
	})
	return s, "http://" + s.listener.Addr().String()
}

func ask(t *testing.T, method, url string, body []byte) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(b)
}

func TestSardana_AnswersAsThePeersDo(t *testing.T) {
	up := quiet()
	_, url := sardanaServer(t, up)
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", "/v1/data_desc", `{"serialno":1,"scandir":"d","title":"t"}`, 200},
		{"POST", "/v1/data_desc", `{"serialno":1,"scandir":"d"}`, 422},
		{"POST", "/v1/record_data", `{"timestamp":1}`, 200},
		{"POST", "/v1/record_data", ``, 422},
		{"POST", "/v1/record_data", `nonsense`, 422},
		{"POST", "/v1/record_data", `[]`, 422},
		{"POST", "/v1/record_end", `{}`, 200},
		{"POST", "/v1/record_end", `{"type":"RecordData"}`, 422},
		{"POST", "/v1/custom_data", `{"anything":[1]}`, 200},
		{"POST", "/v1/custom_data", `1`, 422},
		{"GET", "/v1/record_end", ``, 405},
		{"POST", "/v1/other", `{}`, 404},
		{"POST", "/v1/record_data", `{"timestamp":1,"x":"` + strings.Repeat("x", bodyBytes) + `"}`, 413},
		{"POST", "/v1/record_data", `{"timestamp":1,"x":` + strings.Repeat("[", 100000) + `}`, 422},
	} {
		status, body := ask(t, c.method, url+c.path, []byte(c.body))
		if status != c.status {
			t.Errorf("%s %s %.60s is answered %d %s, want %d", c.method, c.path, c.body, status, body, c.status)
		}
		if status == 200 && body != "null" {
			t.Errorf("%s is answered %q", c.path, body)
		}
	}
	if n := up.Count.Discarded(Inactive); n != 3 {
		t.Errorf("%d messages were dropped because no scan is active, want 3", n)
	}
	if up.Count.Discarded(Invalid) == 0 {
		t.Error("no invalid message was counted")
	}
}

func TestSardana_WhatIsPostedWhileNoScanIsActiveIsDropped(t *testing.T) {
	up := quiet()
	s, url := sardanaServer(t, up)
	desc := []byte(`{"serialno":1,"scandir":"d","title":"t"}`)
	ask(t, "POST", url+"/v1/data_desc", desc)
	for scan := range 2 {
		if err := s.Open(up); err != nil {
			t.Fatal(err)
		}
		silence(t, s)
		ask(t, "POST", url+"/v1/record_data", []byte(`{"timestamp":1}`))
		ask(t, "POST", url+"/v1/data_desc", desc)
		ask(t, "POST", url+"/v1/data_desc", desc) // a second one is an event too
		ask(t, "POST", url+"/v1/record_end", []byte(`{}`))
		ask(t, "POST", url+"/v1/record_data", []byte(`{"timestamp":2}`))
		written := `{"type":"DataDescription","serialno":1,"scandir":"d","title":"t"}`
		expect(t, up, s, written, written, `{"type":"RecordEnd"}`)
		silence(t, s)
		if got := up.Count.Discarded(NoStart); got != uint64(scan+1) {
			t.Errorf("%d messages dropped before the start", got)
		}
		if got := up.Count.Discarded(AfterEnd); got != uint64(scan+1) {
			t.Errorf("%d messages dropped after the end", got)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		ask(t, "POST", url+"/v1/data_desc", desc)
	}
}

func TestSardana_TooMuchThatWaitsIsRefused(t *testing.T) {
	up := quiet()
	up.QueueBytes = 1000
	s, url := sardanaServer(t, up)
	if err := s.Open(up); err != nil {
		t.Fatal(err)
	}
	body := []byte(`{"serialno":1,"scandir":"` + strings.Repeat("d", 300) + `","title":"t"}`)
	var codes []int
	for range 4 {
		status, _ := ask(t, "POST", url+"/v1/data_desc", body)
		codes = append(codes, status)
	}
	if codes[0] != 200 || codes[3] != 503 || up.Count.Discarded(Overflow) == 0 {
		t.Errorf("answers %v", codes)
	}
	up.Pool.Put(event(t, s))
	if status, _ := ask(t, "POST", url+"/v1/data_desc", body); status != 200 {
		t.Errorf("after there is room the answer is %d", status)
	}
}

func TestSardana_ATakenAddressIsSaidAtTheStart(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	defer l.Close()
	s, err := New(Settings{Stream: "s", Source: "HttpSardanaIngester", URL: "http://" + l.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.(Listener).Listen(quiet()); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("%v", err)
	}
}

func TestSardana_WithoutListenItServesWhileItIsOpen(t *testing.T) {
	up := quiet()
	s := open(t, up, Settings{Source: "http_sardana", URL: "http://127.0.0.1:0"})
	url := "http://" + s.(*sardana).listener.Addr().String()
	if status, _ := ask(t, "POST", url+"/v1/data_desc", []byte(`{"serialno":1,"scandir":"d","title":"t"}`)); status != 200 {
		t.Errorf("answered %d", status)
	}
	up.Pool.Put(event(t, s))
}

func TestSardana_TheDefaultPortIsThePeers(t *testing.T) {
	for url, want := range map[string]string{
		"": "127.0.0.1:5002", "http://127.0.0.1": "127.0.0.1:5002", "http://*:80": ":80", "http://[::1]:8": "[::1]:8", "http://localhost:5/": "localhost:5",
	} {
		s, err := New(Settings{Stream: "s", Source: "http_sardana", URL: url})
		if err != nil || s.(*sardana).address != want {
			t.Errorf("%q listens at %+v, %v; want %s", url, s, err, want)
		}
	}
}
