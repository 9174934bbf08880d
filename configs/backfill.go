package configs

import (
	"strings"
	"time"
)

// Backfill are the jobs of offline-ingestor backfill.
type Backfill struct {
	Jobs map[string]BackfillJob // by name
}

// Orders of BackfillJob.Order.
const (
	OldestFirst = "oldest"
	NewestFirst = "newest"
)

// Words of BackfillJob.RetryFailed.
const (
	RetryChanged = "changed" // when a schema has changed since
	RetryAlways  = "always"
	RetryNever   = "never"
)

// BackfillJob is a set of folders whose files are to be on record.
type BackfillJob struct {
	Name string // letters, digits, - _ and dots; "" for DefaultBackfillJob

	Roots            []string      // absolute and clean, at least one
	Include, Exclude []string      // as Directory's
	MinAge           time.Duration // of a file, before it is looked at
	Lookback         time.Duration // below the mark, how far is looked again
	Order            string        // OldestFirst or NewestFirst
	RatePerHour      int           // files; 0 = no limit
	Concurrency      int           // processes, at least 1
	RetryFailed      string        // RetryChanged, RetryAlways or RetryNever: what failed for good
	RepublishAfter   time.Duration // how long a published file is waited for
	Topic            string        // for publishing; "" = the first of kafka.topics
	Retention        time.Duration // how long the records of runs are kept; 0 = for ever
	Textfile         string        // for Prometheus; "" = none

	places places
}

// Place is where the key of the job was given, else where the job was:
// "ingestor.yml:12" or a variable.
func (j *BackfillJob) Place(key string) string { return j.places.at(key) }

// Key is the whole path of a key of the job, such as backfill.jobs.nightly.roots.
func (j *BackfillJob) Key(name string) string { return j.places.key(name) }

// DefaultBackfillJob is a job with every default, without name and roots: that of
// folders on a command line.
func DefaultBackfillJob() BackfillJob {
	var j BackfillJob
	for _, k := range j.keys() {
		if k.standard != "" {
			_ = k.value.set(k.standard) // one that does not parse is found by a test
		}
	}
	return j
}

// PublishTo is the topic to which the files of the job are published: its own, or the
// first of kafka.topics. The error, an *Error, says that neither names one.
func (c *Config) PublishTo(j *BackfillJob) (string, error) {
	switch {
	case j.Topic != "":
		return j.Topic, nil
	case len(c.Kafka.Topics) > 0 && !strings.HasPrefix(c.Kafka.Topics[0], "^"):
		return c.Kafka.Topics[0], nil
	}
	p := Problem{Place: c.ConfigFile, Key: "kafka.topics", Reason: "is needed for publishing, but not given; or give the job a topic"}
	if len(c.Kafka.Topics) > 0 {
		p.Value, p.Reason = shown(c.Kafka.Topics[0], false), "is a pattern, and publishing needs the name of a topic; give the job a topic"
	}
	return "", &Error{Problems: []Problem{p}}
}

func (b *Backfill) keys() []key {
	return []key{
		{path: "backfill.jobs", backfill: true, onlyFlag: true, optional: true,
			value: recordMap[BackfillJob]{target: &b.Jobs, keys: (*BackfillJob).keys, sample: "nightly",
				found: func(j *BackfillJob) *places { return &j.places },
				what:  "jobs, each with its name: `nightly: {roots: [/data]}`"},
			doc: "Jobs by their names, which stay the same for ever: letters, digits, - _ and dots. Run one with --job NAME. In the environment and as a flag: a map in JSON."},
	}
}

func (j *BackfillJob) keys() []key {
	return []key{
		{path: "roots", value: texts(&j.Roots), sample: "[/data]",
			doc: "The folders to look through, with all below them, each from the root. They must be there: a share that is not mounted stops the run. Symbolic links below are not followed. Needed."},
		{path: "include", value: texts(&j.Include), standard: "*.hdf,*.nxs,*.h5",
			doc: "Which files, with * and ? for any characters and [a-z] for one of some. A pattern without / is compared with the file's name, one with / with its path below the folder. Names that begin with a dot need a pattern that does. Empty: all others."},
		{path: "exclude", value: texts(&j.Exclude), sample: "[]",
			doc: "Which of these not, and which folders below not to look into."},
		{path: "min_age", value: duration(&j.MinAge, 0), standard: "60s", unit: seconds,
			doc: "A file that was changed less than this ago is left for a later run: it may still be written."},
		{path: "lookback", value: duration(&j.Lookback, 0), standard: "48h", unit: seconds,
			doc: "How far before the newest file that is done files are compared with the records again, whatever else is known of them."},
		{path: "order", value: oneOf(&j.Order, OldestFirst, NewestFirst), standard: OldestFirst,
			doc: "oldest or newest: which files come first, by the time of their last change."},
		{path: "rate_per_hour", value: number(&j.RatePerHour, 0, 1_000_000_000), standard: "0",
			doc: "At most so many files an hour, to spare the catalogue. 0: no limit."},
		{path: "concurrency", value: number(&j.Concurrency, 1, 1_000), standard: "2",
			doc: "How many files are ingested at the same time, besides those of a daemon."},
		{path: "retry_failed", value: oneOf(&j.RetryFailed, RetryChanged, RetryAlways, RetryNever), standard: RetryChanged,
			doc: "When a file that failed for good is tried again: changed, once a schema has changed since; always, in each run; never. By hand: --retry-failed. Failures that pass are always tried again."},
		{path: "republish_after", value: duration(&j.RepublishAfter, 0), standard: "24h", unit: seconds,
			doc: "With --publish: how long a published file is waited for before it is published again."},
		{path: "topic", value: trimmed(&j.Topic),
			doc: "With --publish: the topic. Empty: the first of kafka.topics."},
		{path: "retention", value: duration(&j.Retention, 0), standard: "8760h", unit: seconds,
			doc: "How long the reports of runs are kept. 0: for ever."},
		{path: "textfile", value: text(&j.Textfile), sample: "''",
			doc: "File, NAME.prom, for the textfile collector of Prometheus' node exporter: when the job last ran and last ended well, and with what counts. Empty: none."},
	}
}
