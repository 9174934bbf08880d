package backfill

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Textfile is the end of a run as metrics, for the textfile collector of
// Prometheus' node exporter.
func (r *Report) Textfile() []byte {
	t := &text{}
	job := `{job="` + labelText(r.Job) + `"}`
	gauge := func(name, help string, value float64) {
		t.line("# HELP ingestor_backfill_%s %s\n# TYPE ingestor_backfill_%s gauge\ningestor_backfill_%s%s %s",
			name, help, name, name, job, strconv.FormatFloat(value, 'f', -1, 64))
	}
	gauge("last_run_timestamp_seconds", "When the last run ended.", seconds(r.Ended))
	gauge("last_good_timestamp_seconds", "When a run ended last that had looked at all it had to; 0: none.", seconds(r.LastGood))
	gauge("duration_seconds", "How long the last run took.", r.Seconds)
	gauge("exit_status", "With which status the last run ended.", float64(r.Exit))
	gauge("mark_timestamp_seconds", "Modification time up to which every file is dealt with; 0: none.", seconds(r.Mark.Time))
	gauge("bytes", "Sizes of the files that the last run registered or published.", float64(r.Bytes))
	gauge("closed_folders", "Folders that the last run could not look into.", float64(r.Looked.Closed))
	t.line("# HELP ingestor_backfill_files Files of the last run, by how they ended.\n# TYPE ingestor_backfill_files gauge")
	for _, c := range Counts() {
		if c != Candidate {
			t.line(`ingestor_backfill_files{job="%s",outcome="%s"} %d`, labelText(r.Job), c, r.Counts[c])
		}
	}
	return []byte(t.String())
}

// Keep takes over from the text of an earlier run what one that failed before it
// had read the state can not know.
func (r *Report) Keep(textfile []byte) {
	if r.Exit == 0 || !r.LastGood.IsZero() {
		return
	}
	r.LastGood = metric(textfile, "last_good_timestamp_seconds", r.Job)
	if r.Mark.IsZero() {
		r.Mark.Time = metric(textfile, "mark_timestamp_seconds", r.Job)
	}
}

// metric is a time in a text of metrics; zero: none.
func metric(textfile []byte, name, job string) time.Time {
	_, rest, _ := strings.Cut(string(textfile), "\ningestor_backfill_"+name+`{job="`+labelText(job)+`"} `)
	line, _, _ := strings.Cut(rest, "\n")
	value, err := strconv.ParseFloat(line, 64)
	if err != nil || value <= 0 || value > 1e10 {
		return time.Time{}
	}
	return time.UnixMilli(int64(math.Round(value * 1000)))
}

// Unbegun is the report of a run that has ended with err before it looked at
// anything.
func Unbegun(job string, roots []string, dry, publish bool, started time.Time, err error) Report {
	r := Report{Version: reportVersion, Job: job, Roots: roots, Mode: modeOf(dry, publish), Started: started, Counts: map[Count]int64{}}
	r.end(time.Now(), err)
	return r
}

func labelText(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s)
}

// seconds since 1970; 0 for none.
func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}
