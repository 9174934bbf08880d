package backfill

import (
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
	t.line("# HELP ingestor_backfill_files Files of the last run, by how they ended.\n# TYPE ingestor_backfill_files gauge")
	for _, c := range Counts() {
		if c != Candidate {
			t.line(`ingestor_backfill_files{job="%s",outcome="%s"} %d`, labelText(r.Job), c, r.Counts[c])
		}
	}
	return []byte(t.String())
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
