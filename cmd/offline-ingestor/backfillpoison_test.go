package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ingestor/internal/treetest"
	"ingestor/offline/backfill"
)

// refuse puts somebody before the catalogue who answers every attempt to register
// one of these files with a status, and counts them.
func (b *bed) refuse(status int, files []treetest.File) (refused *atomic.Int64) {
	t := b.bench.t
	t.Helper()
	refused = &atomic.Int64{}
	front := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: b.address})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			for _, f := range files {
				if bytes.Contains(body, []byte(f.Job)) {
					refused.Add(1)
					w.WriteHeader(status)
					return
				}
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		front.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	b.config = strings.ReplaceAll(b.config, "http://"+b.address, s.URL)
	return refused
}

// Files that the catalogue always refuses are told, and keep no others from being
// registered, even where they are most, and come first.
func TestBackfillRefused(t *testing.T) {
	for _, c := range []struct {
		status, files, bad int
	}{{403, 200, 150}, {500, 40, 5}, {401, 40, 5}} {
		t.Run(http.StatusText(c.status), func(t *testing.T) {
			b := newBed(t, treetest.Options{Files: c.files, Plain: true, Age: 24 * time.Hour})
			good := b.tree.Files[c.bad:]
			b.refuse(c.status, b.tree.Files[:c.bad])
			for runs := 1; ; runs++ {
				e := b.backfill()
				t.Log(e)
				if b.made("datasets") == len(good) {
					break
				}
				if runs == 3 {
					t.Fatal("good files are not registered", lastLines(e.stderr))
				}
			}
			b.wantOnce(good)
			// In the end all are known, and no run fails any more.
			var last outcomeOfRun
			for runs := 0; ; runs++ {
				last = b.backfill()
				t.Log(last)
				if last.exit == 0 {
					break
				}
				if runs == c.bad/3+3 {
					t.Fatal("every run fails", lastLines(last.stderr))
				}
			}
			if last.Counts[backfill.Waiting] != int64(c.bad) || last.Refused != int64(c.bad) || last.LastGood.Before(last.Started) {
				t.Errorf("%s\n%s", last, last.stdout)
			}
			b.wantOnce(good)
		})
	}
}

// A catalogue that takes nothing from anybody is found out with few requests.
func TestBackfillRefused_AllOfThem(t *testing.T) {
	for status, exit := range map[int]int{403: 77, 503: 69} {
		b := newBed(t, treetest.Options{Files: 300, Plain: true, Age: 24 * time.Hour})
		refused := b.refuse(status, b.tree.Files)
		e := b.backfill()
		t.Log(e, refused)
		e.wantCounts(t, exit, map[backfill.Count]int{backfill.Left: 300})
		// Five files, and each once more by the client's own patience.
		if n := refused.Load(); n < 2 || n > 10 {
			t.Errorf("%d requests to register a file", n)
		}
		b.config = strings.ReplaceAll(b.config, "max_retries: 1", "max_retries: 0")
		refused.Store(0)
		e = b.backfill("--limit", "100")
		e.wantCounts(t, exit, map[backfill.Count]int{backfill.Left: 300})
		if n := refused.Load(); n < 2 || n > 10 {
			t.Errorf("the next run: %d requests to register a file", n)
		}
	}
}
