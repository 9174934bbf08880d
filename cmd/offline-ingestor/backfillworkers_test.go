package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"ingestor/internal/children"
	"ingestor/internal/fault"
	"ingestor/internal/ledger"
	"ingestor/internal/outcome"
	"ingestor/offline/backfill"
	"ingestor/offline/backfill/tree"
)

// script is a worker in few words: what it does with a file the file's name says.
// Like the real one it begins all files before it registers the first.
const script = `
tell() { printf '%s\n' "$1" >&$INGESTOR_RESULT_FD; }
list=$(cat); IFS='
'
echo run >> "$STARTS"
for quoted in $list; do
	case $quoted in */startup*) echo 'X - ERROR - no schemas' >&2; exit 78;; esac
	tell "{\"version\":1,\"begin\":$quoted}"
	case $quoted in
	*/crash*) kill -SEGV $$;;
	*/hang*) sleep 60;;
	*/panic*) echo 'it broke' >&2; exit 70;;
	*/outage*) tell '{"version":1,"stopped":"the catalogue is away","exit":69}'; exit 69;;
	esac
done
for quoted in $list; do
	tell "{\"version\":1,\"begin\":$quoted}"
	case $quoted in
	*/late*) kill -KILL $$;;
	*/bad*) tell "{\"version\":1,\"file\":$quoted,\"error\":\"it is bad\",\"exit\":65}"; continue;;
	*/busy*) tell "{\"version\":1,\"file\":$quoted,\"error\":\"it is busy\",\"exit\":75}"; continue;;
	esac
	echo "$quoted" >> "$DONE"
	tell "{\"version\":1,\"outcome\":\"registered\",\"file\":$quoted}"
done
`

// scripted is a run with such workers over files of these names, which are in
// the order of their age.
func scripted(t *testing.T, names []string, change func(*backfill.Options)) (rep backfill.Report, done []string, starts int, err error) {
	t.Helper()
	data, state := t.TempDir(), t.TempDir()
	old := time.Now().Add(-24 * time.Hour)
	for i, name := range names {
		path := filepath.Join(data, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, old, old.Add(time.Duration(i)*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	book, err := ledger.Open(t.Context(), state, ledger.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = book.Close() })
	runner := children.New(children.Options{KillDelay: 100 * time.Millisecond})
	alive, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- runner.Run(alive) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	o := backfill.Options{
		Job: "test", Tree: tree.Options{Roots: []string{data}, Include: []string{"*"}}, Book: book, Concurrency: 1, ChunkSize: 8,
		NewList: func(ctx context.Context) (backfill.List, error) { return ledger.NewWorklist(ctx, state, "work") },
		Workers: &workers{
			runner: runner, command: []string{"/bin/sh", "-c", script}, limit: time.Second, log: quiet(), said: map[string]bool{},
			environment: func(context.Context) []string {
				return append(os.Environ(), "DONE="+state+"/done", "STARTS="+state+"/starts")
			},
		},
		Retry: backfill.Retry{Delay: time.Millisecond, Crashes: 2},
	}
	if change != nil {
		change(&o)
	}
	engine, err := backfill.New(o)
	if err != nil {
		t.Fatal(err)
	}
	rep, err = engine.Run(t.Context())
	for _, line := range linesOf(t, state+"/done") {
		done = append(done, strings.Trim(strings.TrimPrefix(line, `"`+data+"/"), `"`))
	}
	slices.Sort(done)
	return rep, done, len(linesOf(t, state+"/starts")), err
}

func quiet() logrus.FieldLogger {
	l := logrus.New()
	l.SetOutput(io.Discard)
	return l
}

func linesOf(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return strings.Fields(string(text))
}

// many are n good files, with others among them.
func many(n int, others ...string) []string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf("good-%02d", i))
	}
	for i, name := range others {
		list = slices.Insert(list, (i+1)*len(list)/(len(others)+1), name)
	}
	return list
}

func TestWorkers_AFileThatCrashesOrHangsCostsOnlyItself(t *testing.T) {
	for _, c := range []struct {
		name   string
		others []string
		want   map[backfill.Count]int64
		exit   int
		starts int // at most
	}{
		{"none", nil, nil, 0, 3},
		{"a crash while it is read", []string{"crash"}, map[backfill.Count]int64{backfill.Waiting: 1}, 0, 8},
		{"a crash while it is registered", []string{"late"}, map[backfill.Count]int64{backfill.Waiting: 1}, 0, 8},
		{"a panic", []string{"panic"}, map[backfill.Count]int64{backfill.Waiting: 1}, 0, 8},
		{"a hang", []string{"hang"}, map[backfill.Count]int64{backfill.Waiting: 1}, 0, 8},
		{"several", []string{"crash", "late", "panic"}, map[backfill.Count]int64{backfill.Waiting: 3}, 0, 20},
		{"files at fault by themselves", []string{"bad-1", "busy", "bad-2"}, map[backfill.Count]int64{backfill.Failed: 2, backfill.Waiting: 1}, 1, 6},
		{"one that looks like an outage", []string{"outage"}, map[backfill.Count]int64{backfill.Waiting: 1}, 0, 8},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			rep, done, starts, err := scripted(t, many(20, c.others...), nil)
			if fault.ExitCode(err) != c.exit || rep.Exit != c.exit {
				t.Errorf("exit %d, %v", rep.Exit, err)
			}
			if strings.Join(done, " ") != strings.Join(many(20), " ") {
				t.Errorf("done, each once: %v", done)
			}
			want := map[backfill.Count]int64{backfill.Registered: 20}
			for k, v := range c.want {
				want[k] = v
			}
			for _, k := range backfill.Counts() {
				if rep.Counts[k] != want[k] {
					t.Errorf("%d %s, want %d; %+v", rep.Counts[k], k, want[k], rep.Failures)
				}
			}
			if starts > c.starts {
				t.Errorf("%d workers", starts)
			}
			if !rep.Whole {
				t.Error("not whole")
			}
		})
	}
}

func TestWorkers_WhatConcernsAllEndsTheRun(t *testing.T) {
	for _, c := range []struct {
		name   string
		names  []string
		exit   int
		starts int
		why    string
	}{
		{"an outage that other files confirm", []string{"outage-1", "outage-2", "outage-3", "outage-4", "outage-5", "outage-6"}, 69, 5, "the catalogue is away"},
		{"an outage with no other file", []string{"outage-1"}, 69, 1, "the catalogue is away"},
		{"a configuration that does not work", []string{"startup-1", "good-1"}, 78, 1, "no schemas"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rep, _, starts, err := scripted(t, c.names, nil)
			if fault.ExitCode(err) != c.exit || rep.Exit != c.exit || !strings.Contains(rep.Reason, c.why) {
				t.Errorf("exit %d, %v", rep.Exit, err)
			}
			if starts > c.starts || rep.Counts[backfill.Left] == 0 || rep.Whole {
				t.Errorf("%d workers, %v", starts, rep.Counts)
			}
		})
	}
}

func TestWorkers_AProgramThatDoesNotRunEndsTheRun(t *testing.T) {
	for name, c := range map[string]struct {
		command []string
		exit    int
	}{
		"missing":               {[]string{"/none/such"}, 78},
		"ends before it begins": {[]string{"/bin/sh", "-c", "exit 70"}, 70},
		"does nothing":          {[]string{"/bin/true"}, 70},
		"no such command":       {[]string{"/bin/sh", "-c", "exit 2"}, 78},
	} {
		t.Run(name, func(t *testing.T) {
			rep, _, _, err := scripted(t, many(20), func(o *backfill.Options) {
				w := o.Workers.(*workers)
				o.Workers = &workers{runner: w.runner, command: c.command, environment: w.environment, limit: w.limit, log: w.log, said: w.said}
			})
			if fault.ExitCode(err) != c.exit || rep.Counts[backfill.Left] == 0 {
				t.Errorf("exit %d, %v, %v", fault.ExitCode(err), err, rep.Counts)
			}
		})
	}
}

func TestWorkers_EndWithTheRun(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	var w *workers
	_, _, _, _ = scripted(t, []string{"good"}, func(o *backfill.Options) { w = o.Workers.(*workers) })
	time.AfterFunc(100*time.Millisecond, func() { cancel(fault.Errorf(fault.Terminated, "stopped")) })
	w.limit = 0
	err := w.Ingest(ctx, []string{"/d/hang"}, func(string) {}, func(outcome.Record) {})
	if fault.KindOf(err) != fault.Terminated {
		t.Errorf("got %v", err)
	}
}

func TestPace_SpreadsFilesOverTheHour(t *testing.T) {
	began := time.Now()
	rep, done, _, err := scripted(t, many(6), func(o *backfill.Options) { o.PerHour = 36_000; o.ChunkSize = 2 })
	if took := time.Since(began); err != nil || len(done) != 6 || took < 400*time.Millisecond {
		t.Errorf("%v of %d files in %v, %v", done, rep.Looked.Files, took, err)
	}
}
