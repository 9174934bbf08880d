package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ingestor/cmd/internal/program"
	"ingestor/cmd/internal/state"
	"ingestor/configs"
	"ingestor/internal/fault"
	"ingestor/internal/ledger"
	"ingestor/offline/backfill"
)

// stateCommand is one of the commands below `backfill state`.
type stateCommand struct {
	out  io.Writer
	job  string
	runs int
	json bool
	all  bool

	cfg  *configs.Config
	dir  string
	book *ledger.Ledger
}

func newBackfillState(stdout io.Writer) *cobra.Command {
	s := &stateCommand{out: stdout}
	below := []*cobra.Command{s.show(), s.reset(), s.accept(), s.export(), s.imports()}
	var names []string
	for _, b := range below {
		configs.BindFlags(b.Flags(), configs.Backfiller)
		b.Flags().StringVar(&s.job, "job", "", "Job, as `show` names it; not needed where there is one only.")
		b.Flags().SortFlags = false
		names = append(names, b.Name())
	}
	c := program.Command(&cobra.Command{Use: "state", Short: "Shows and changes how far backfill jobs are", Args: cobra.ArbitraryArgs})
	configs.BindFlags(c.Flags(), configs.Backfiller)
	c.RunE = func(*cobra.Command, []string) error {
		return fault.Errorf(fault.Usage, "state needs a command: %s", strings.Join(names, ", "))
	}
	c.AddCommand(below...)
	return c
}

// with opens the ledger for a command.
func (s *stateCommand) with(do func(c *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		loaded, err := configs.Load(configs.Backfiller, c.Flags(), os.Environ())
		if err != nil {
			return program.Kind(err)
		}
		s.cfg = &loaded.Config
		if s.dir, s.book, err = openState(c.Context(), s.cfg); err != nil {
			return err
		}
		defer func() { _ = s.book.Close() }() // what is noted is noted
		return ofState(do(c, args))
	}
}

func (s *stateCommand) show() *cobra.Command {
	c := program.Command(&cobra.Command{
		Use: "show -c config.yml [--job NAME]", Short: "Shows how far jobs are, and how their last runs ended",
		Args: program.NoArguments("a job is named by --job"),
		RunE: s.with(func(c *cobra.Command, _ []string) error { return s.list(c.Context()) }),
	})
	c.Flags().IntVar(&s.runs, "runs", 1, "How many runs of each, the newest first.")
	c.Flags().BoolVar(&s.json, "json", false, "Print a line of JSON for each job.")
	return c
}

// shownJob is a line of `show --json`.
type shownJob struct {
	Version int `json:"version"`
	ledger.JobState
	Runs []json.RawMessage `json:"runs"`
}

func (s *stateCommand) list(ctx context.Context) error {
	jobs, err := s.book.Jobs(ctx)
	if err != nil {
		return err
	}
	if s.job != "" {
		jobs = slices.DeleteFunc(jobs, func(j ledger.JobState) bool { return j.Job != s.job })
	}
	if len(jobs) == 0 && !s.json {
		return printed(fmt.Fprintf(s.out, "No backfill has run yet%s, as %s knows\n", ofJob(s.job), s.book.Path()))
	}
	for _, j := range jobs {
		var runs []ledger.Run
		if s.runs > 0 {
			if runs, err = s.book.Runs(ctx, j.Job, s.runs); err != nil {
				return err
			}
		}
		if s.json {
			line := shownJob{Version: 1, JobState: j, Runs: []json.RawMessage{}}
			for _, r := range runs {
				line.Runs = append(line.Runs, r.Report)
			}
			err = printJSON(s.out, line)
		} else {
			err = s.describe(j, runs)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func ofJob(job string) string {
	if job == "" {
		return ""
	}
	return " of job " + job
}

func (s *stateCommand) describe(j ledger.JobState, runs []ledger.Run) error {
	var t strings.Builder
	fmt.Fprintf(&t, "job %s\n", j.Job)
	fmt.Fprintf(&t, "    done up to  %s\n", markText(j.Mark))
	fmt.Fprintf(&t, "    looked at   %s\n", timeText(j.ScannedAt, "never completely"))
	fmt.Fprintf(&t, "    last run    %s\n", timeText(j.LastRun, "none"))
	fmt.Fprintf(&t, "    last good   %s\n", timeText(j.LastGood, "none"))
	for _, path := range slices.Sorted(maps.Keys(j.Roots)) {
		fmt.Fprintf(&t, "    folder      %s, %d files\n", printableText(path), j.Roots[path].Files)
	}
	for _, r := range runs {
		var rep backfill.Report
		if err := json.Unmarshal(r.Report, &rep); err != nil {
			fmt.Fprintf(&t, "    run of %s: exit %d\n", timeText(r.Started, ""), r.Exit)
			continue
		}
		var body strings.Builder
		if err := rep.WriteText(&body); err != nil {
			return err
		}
		fmt.Fprintf(&t, "    run of %s\n", timeText(r.Started, ""))
		for line := range strings.Lines(body.String()) {
			t.WriteString("        " + line)
		}
	}
	return printed(io.WriteString(s.out, t.String()))
}

func markText(m ledger.Mark) string {
	if m.IsZero() {
		return "nothing yet"
	}
	text := m.Time.Format("2006-01-02 15:04:05.000000000 -07:00")
	if m.Path != "" {
		text += "  " + printableText(m.Path)
	}
	return text
}

func timeText(t time.Time, none string) string {
	if t.IsZero() {
		return none
	}
	return t.Format("2006-01-02 15:04:05 -07:00")
}

// known is the state of the job that the command line means.
func (s *stateCommand) known(ctx context.Context) (ledger.JobState, error) {
	jobs, err := s.book.Jobs(ctx)
	if err != nil {
		return ledger.JobState{}, err
	}
	var names []string
	for _, j := range jobs {
		if j.Job == s.job || s.job == "" && len(jobs) == 1 {
			return j, nil
		}
		names = append(names, j.Job)
	}
	switch {
	case len(names) == 0:
		return ledger.JobState{}, fault.Errorf(fault.Usage, "no backfill has run yet, as %s knows", s.book.Path())
	case s.job == "":
		return ledger.JobState{}, fault.Errorf(fault.Usage, "which job? --job takes one of %s", strings.Join(names, ", "))
	}
	return ledger.JobState{}, fault.Errorf(fault.Usage, "job %s has no state in %s; there is %s", s.job, s.book.Path(), strings.Join(names, ", "))
}

// locked does something while no run of the job is under way.
func (s *stateCommand) locked(ctx context.Context, job string, do func() error) error {
	unlock, err := ledger.LockJob(ctx, s.dir, state.Deployment(s.cfg), job, strings.Join(os.Args, " "), 0)
	if err != nil {
		return err
	}
	defer func() { _ = unlock() }() // it ends with the process anyway
	return do()
}

func (s *stateCommand) reset() *cobra.Command {
	return program.Command(&cobra.Command{
		Use: "reset -c config.yml --job NAME", Short: "Forgets how far a job is",
		Long: `Forgets how far a job is, and what it has published. The next run looks at all files. Nothing is
registered twice by that: which files are registered the ledger knows apart from it.`,
		Args: program.NoArguments("a job is named by --job"),
		RunE: s.with(func(c *cobra.Command, _ []string) error {
			j, err := s.known(c.Context())
			if err != nil {
				return err
			}
			return s.locked(c.Context(), j.Job, func() error {
				if err := s.book.DeleteJob(c.Context(), j.Job); err != nil {
					return err
				}
				return printed(fmt.Fprintf(s.out, "The state of job %s is forgotten; its next run looks at all files\n", j.Job))
			})
		}),
	})
}
