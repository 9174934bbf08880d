package main

import (
	"io"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ingestor/cmd/internal/program"
	"ingestor/configs"
	"ingestor/internal/fault"
)

// backfillOptions is what the command line of a run says, besides configuration.
type backfillOptions struct {
	job             string
	since, until    string
	lookback        time.Duration
	hasLookback     bool // it was given, be it 0
	limit           int64
	all, newer      bool
	concurrency     int
	publish, dryRun bool
	strict, failed  bool
	lockWait        time.Duration
	json            bool
}

func newBackfill(stdout, stderr io.Writer) *cobra.Command {
	var o backfillOptions
	c := program.Command(&cobra.Command{
		Use:   "backfill -c config.yml [--job NAME] [FOLDER…]",
		Short: "Registers the files of folders that were never registered",
		Long: `Looks through folders and registers each file that is not in the catalogue yet, the oldest
first. It is made for cron or a timer: what is done is not done again, what failed for a passing
reason is tried again by the next run, and a run that is killed at any point loses nothing.

Which folders, and which files in them, a job of the section backfill says (--job may be left out
where there is one only). Folders that are named here without --job are a job of their own, of
*.hdf, *.nxs and *.h5; together with --job they restrict the run to these parts of it.

With --publish the files are announced on the Kafka topic instead, and the daemons register them.

Files that have changed since they were registered are listed and left alone, until
"backfill state accept" says that they are meant. Files that failed for good are tried again once
they, a schema or the configuration have changed. "backfill state show" tells how far jobs are.

Exit status: 0 all done, or nothing to do; 1 some files failed for good, the report lists them;
2 wrong command line; 65 files have changed, with --strict; 69 catalogue or storage unavailable;
70 a bug; 75 another run of the job is under way; 77 not permitted; 78 wrong configuration,
or damaged ledger; 130, 143 interrupted. Whatever it is, the next run goes on from there.`,
		Example: "  " + name + " backfill -c /etc/ingestor/ingestor.yml --job nightly\n" +
			"  " + name + " backfill -c ingestor.yml --dry-run --since 2026-03-01 /data/2026",
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			return (&backfilling{options: o, args: args, stdout: stdout, stderr: stderr}).run(c)
		},
	})
	configs.BindFlags(c.Flags(), configs.Backfiller)
	o.bind(c.Flags())
	c.Flags().SortFlags = false
	c.AddCommand(newBackfillState(stdout))
	return c
}

func (o *backfillOptions) bind(f *pflag.FlagSet) {
	f.StringVar(&o.job, "job", "", "Job of the section backfill.")
	f.StringVar(&o.since, "since", "", "Only files changed since then: 12h or 2d (back from now), 2026-03-14, or 2026-03-14T09:30:00+01:00.")
	f.StringVar(&o.until, "until", "", "Only files changed before then.")
	f.DurationVar(&o.lookback, "lookback", 0, "How far before the newest file that is done to look again (default: the job's, 48h).")
	f.Int64Var(&o.limit, "limit", 0, "Try so many files at most.")
	f.BoolVar(&o.newer, "newer-than-state", false, "Pass over what earlier runs have seen (the default).")
	f.BoolVar(&o.all, "all", false, "Look at all files, whatever earlier runs have seen.")
	f.IntVar(&o.concurrency, "concurrency", 0, "How many files are ingested at the same time (default: the job's, 2).")
	f.BoolVar(&o.publish, "publish", false, "Announce the files on the Kafka topic, for the daemons to register.")
	f.BoolVar(&o.dryRun, "dry-run", false, "Only list what would be tried, and what has changed.")
	f.BoolVar(&o.strict, "strict", false, "End with 65 where files have changed since they were registered.")
	f.BoolVar(&o.failed, "retry-failed", false, "Also try again what failed for good.")
	f.DurationVar(&o.lockWait, "lock-wait", 0, "How long to wait for another run of the job to end.")
	f.BoolVar(&o.json, "json", false, "Print the report as one line of JSON (in a dry run after a line for each file).")
}

// mostConcurrency is that of backfill.jobs.NAME.concurrency.
const mostConcurrency = 1000

// check finds what contradicts itself, or can not be.
func (o *backfillOptions) check(f *pflag.FlagSet) error {
	switch {
	case o.all && o.newer:
		return fault.Errorf(fault.Usage, "--all and --newer-than-state contradict each other")
	case f.Changed("limit") && o.limit < 1:
		return fault.Errorf(fault.Usage, "--limit %d: must be 1 or more", o.limit)
	case f.Changed("concurrency") && (o.concurrency < 1 || o.concurrency > mostConcurrency):
		return fault.Errorf(fault.Usage, "--concurrency %d: must be from 1 to %d", o.concurrency, mostConcurrency)
	case o.lookback < 0 || o.lockWait < 0:
		return fault.Errorf(fault.Usage, "--lookback and --lock-wait can not be negative")
	}
	return nil
}
