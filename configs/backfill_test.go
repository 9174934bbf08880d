package configs

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestBackfill_JobsAreReadWithTheirDefaults(t *testing.T) {
	loaded := must(t, Backfiller, host+`
backfill:
  jobs:
    nightly: {roots: [/data//raw/]}
    weekly:
      roots: /data, /archive
      include: a.*, .b
      exclude: [tmp]
      min_age: 5
      lookback: 10m
      order: Newest
      rate_per_hour: 1000
      concurrency: 8
      retry_failed: always
      republish_after: 1h
      topic: ' backfill '
      retention: 0
      textfile: /run/weekly.prom
`, nil, nil)
	jobs := loaded.Config.Backfill.Jobs
	nightly, weekly := jobs["nightly"], jobs["weekly"]
	want := DefaultBackfillJob()
	want.Name, want.Roots, want.places = "nightly", []string{"/data/raw"}, nightly.places
	if !reflect.DeepEqual(nightly, want) {
		t.Errorf("got  %+v\nwant %+v", nightly, want)
	}
	if strings.Join(want.Include, " ") != "*.hdf *.nxs *.h5" || want.MinAge != time.Minute || want.Lookback != 48*time.Hour || want.Order != OldestFirst ||
		want.Concurrency != 2 || want.RetryFailed != RetryChanged || want.RepublishAfter != 24*time.Hour || want.Retention != 365*24*time.Hour {
		t.Errorf("defaults %+v", want)
	}
	if place := weekly.Place("roots"); !strings.HasSuffix(place, ":7") || weekly.Key("roots") != "backfill.jobs.weekly.roots" || !strings.HasSuffix(weekly.Place("none"), ":6") {
		t.Errorf("place %s, key %s", place, weekly.Key("roots"))
	}
	weekly.places = places{}
	all := BackfillJob{Name: "weekly", Roots: []string{"/data", "/archive"}, Include: []string{"a.*", ".b"}, Exclude: []string{"tmp"},
		MinAge: 5 * time.Second, Lookback: 10 * time.Minute, Order: NewestFirst, RatePerHour: 1000, Concurrency: 8, RetryFailed: RetryAlways,
		RepublishAfter: time.Hour, Topic: "backfill", Textfile: "/run/weekly.prom"}
	if !reflect.DeepEqual(weekly, all) {
		t.Errorf("got  %+v\nwant %+v", weekly, all)
	}
}

func TestBackfill_JobsShareByMergeKeys(t *testing.T) {
	jobs := must(t, Backfiller, host+`
backfill:
  jobs:
    a: &a {roots: [/a], order: newest}
    b: {<<: *a, roots: [/b]}
`, nil, nil).Config.Backfill.Jobs
	if b := jobs["b"]; b.Roots[0] != "/b" || b.Order != NewestFirst || jobs["a"].Roots[0] != "/a" {
		t.Errorf("got %+v", jobs)
	}
}

func TestBackfill_CanBeGivenByVariableAndFlag(t *testing.T) {
	const nightly, weekly = `{"nightly": {"roots": ["/data"]}}`, `{"weekly": {"roots": ["/w"], "min_age": 1}}`
	loaded := must(t, Backfiller, host, nil, []string{"INGESTOR_BACKFILL_JOBS=" + nightly})
	if j := loaded.Config.Backfill.Jobs["nightly"]; j.Name != "nightly" || j.Place("roots") != "INGESTOR_BACKFILL_JOBS" || j.Key("roots") != "backfill.jobs.nightly.roots" {
		t.Errorf("got %+v, %s, %s", j, j.Place("roots"), j.Key("roots"))
	}
	loaded = must(t, Backfiller, host, []string{"--backfill.jobs", nightly, "--backfill.jobs", weekly}, nil)
	if jobs := loaded.Config.Backfill.Jobs; len(jobs) != 2 || jobs["weekly"].MinAge != time.Second || jobs["nightly"].Roots[0] != "/data" {
		t.Errorf("got %+v", jobs)
	}
	if args, env := loaded.ChildArguments(); len(args)+len(env) > 0 {
		t.Errorf("children get %q %q, which is backfill's", args, env)
	}
	_, err := load(t, Backfiller, host, nil, []string{`INGESTOR_BACKFILL_JOBS={"a": {"roots": ["data"]}}`})
	if err == nil || err.Error() != `INGESTOR_BACKFILL_JOBS: backfill.jobs.a.roots: "data" must begin with /` {
		t.Errorf("got %v", err)
	}
}

func TestBackfill_ChangedSeesTheJobs(t *testing.T) {
	of := func(jobs string) *Config {
		c := &must(t, Backfiller, host+"backfill: "+jobs, nil, nil).Config
		c.ConfigFile = ""
		return c
	}
	a := of("{jobs: {a: {roots: [/x]}}}")
	if got := Changed(a, of("\n  jobs:\n    a:\n      roots: /x\n")); len(got) > 0 {
		t.Errorf("places count as a change: %q", got)
	}
	if got := Changed(a, of("{jobs: {a: {roots: [/y]}}}")); len(got) != 1 || got[0] != "backfill.jobs" {
		t.Errorf("got %q", got)
	}
}

func TestPublisher_NeedsTheBrokerAndReadsItsPassword(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "kafka.sasl_password"), []byte("word\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const file = host + "kafka: {topics: [t, u], bootstrap_servers: 'h:1', sasl_username: u}\n"
	credentials := []string{"CREDENTIALS_DIRECTORY=" + dir}
	if p := must(t, Publisher, file, nil, credentials).Config.Kafka.Properties(); p["sasl.password"] != "word" || p["security.protocol"] != saslSSL {
		t.Error("no password, or no TLS")
	}
	if k := must(t, Backfiller, file, nil, credentials).Config.Kafka; k.SASLPassword != "" {
		t.Error("a run that does not publish reads the password")
	}
	if _, err := load(t, Publisher, file, nil, nil); err == nil || !strings.Contains(err.Error(), "kafka.sasl_password: is needed") {
		t.Errorf("without password: %v", err)
	}
	if _, err := load(t, Publisher, host+"kafka: {bootstrap_servers: ''}", nil, nil); err == nil || !strings.Contains(err.Error(), "kafka.bootstrap_servers: is empty") {
		t.Errorf("without broker: %v", err)
	}
}

func TestPublishTo_IsTheJobsTopicOrTheDaemons(t *testing.T) {
	for name, c := range map[string]struct{ topics, topic, want, wrong string }{
		"the daemon's":           {"[a, b]", "", "a", ""},
		"the job's":              {"[a]", "own", "own", ""},
		"the job's alone":        {"[]", "own", "own", ""},
		"none":                   {"[]", "", "", "kafka.topics: is needed for publishing, but not given; or give the job a topic"},
		"the daemon's pattern":   {"['^a.*']", "", "", `kafka.topics: "^a.*" is a pattern, and publishing needs the name of a topic; give the job a topic`},
		"the job's, no patterns": {"['^a.*']", "own", "own", ""},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := must(t, Publisher, host+"kafka: {topics: "+c.topics+", bootstrap_servers: 'h:1'}\n", nil, nil).Config
			got, err := cfg.PublishTo(&BackfillJob{Topic: c.topic})
			if got != c.want || (err == nil) != (c.wrong == "") || err != nil && !strings.HasSuffix(err.Error(), c.wrong) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestExample_OptionalJobLoadsOnceItsSignsAreGone(t *testing.T) {
	text := string(Example())
	begin, end := strings.Index(text, "\nbackfill:"), strings.Index(text, "\n# How frames go")
	part := strings.ReplaceAll(text[begin:end], "\n  #   ", "\n      ")
	loaded := must(t, Backfiller, text[:begin]+part+text[end:], nil, nil)
	want := DefaultBackfillJob()
	want.Name, want.Roots = "nightly", []string{"/data"}
	got := loaded.Config.Backfill.Jobs["nightly"]
	got.places, got.Exclude, want.Exclude = places{}, nil, nil
	if !reflect.DeepEqual(got, want) || len(loaded.Warnings) > 0 {
		t.Errorf("got %+v, warnings %q, from\n%s", got, loaded.Warnings, part)
	}
}
