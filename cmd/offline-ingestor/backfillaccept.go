package main

import (
	"context"
	"encoding/json"
	"errors"
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
	"ingestor/internal/fault"
	"ingestor/internal/ledger"
	"ingestor/offline/backfill"
)

func (s *stateCommand) accept() *cobra.Command {
	c := program.Command(&cobra.Command{
		Use: "accept -c config.yml (FILE… | --all [--job NAME])", Short: "Says that files that have changed since they were registered are meant",
		Long: `Says that files which have changed since they were registered are as they should be: their
datasets stand for them as they are now, and they are not reported any more. The catalogue is not
changed. With --all that is said of every such file in the folders of the job.`,
		Args: cobra.ArbitraryArgs,
		RunE: s.with(func(c *cobra.Command, args []string) error {
			if s.all == (len(args) > 0) {
				return fault.Errorf(fault.Usage, "accept which files? Name them, or give --all")
			}
			return s.acceptFiles(c.Context(), args)
		}),
	})
	c.Flags().BoolVar(&s.all, "all", false, "All files of the job that have changed.")
	return c
}

// acceptBatch is how many files are accepted at once.
const acceptBatch = 500

func (s *stateCommand) acceptFiles(ctx context.Context, names []string) error {
	var files []ledger.File
	var accepted int
	flush := func() error {
		n, err := s.book.AcceptChanged(ctx, files)
		accepted += n
		files = files[:0]
		return err
	}
	for _, name := range names {
		f, err := ledger.Look(name)
		if err != nil {
			return fault.New(fault.Usage, err)
		}
		files = append(files, f)
	}
	if s.all {
		err := s.changed(ctx, func(f ledger.File) error {
			if files = append(files, f); len(files) < acceptBatch {
				return nil
			}
			return flush()
		})
		if err != nil {
			return err
		}
	}
	if err := flush(); err != nil {
		return err
	}
	if err := printed(fmt.Fprintf(s.out, "Accepted: %d\n", accepted)); err != nil {
		return err
	}
	if left := len(names) - accepted; !s.all && left > 0 {
		return fault.Errorf(fault.Usage, "%d of the files were never registered with another content, or are registered as they are: there was nothing to accept", left)
	}
	return nil
}

// changed looks for the files of the job that have changed, as a dry run does.
func (s *stateCommand) changed(ctx context.Context, each func(ledger.File) error) error {
	job, err := chooseJob(s.cfg, s.job, nil)
	if err != nil && s.job != "" {
		// A job of folders on a command line: its state knows them.
		state, e := s.known(ctx)
		if e != nil {
			return err
		}
		roots := slices.Sorted(maps.Keys(state.Roots))
		if len(roots) == 0 {
			return err
		}
		job, err = chooseJob(s.cfg, "", roots)
	}
	if err != nil {
		return err
	}
	b := &backfilling{options: backfillOptions{dryRun: true, all: true}, cfg: s.cfg, job: job}
	e, err := b.settings()
	if err != nil {
		return err
	}
	e.MinAge = 0 // who accepts after a touch does it at once
	e.Notice = func(f ledger.File, as backfill.Count, _ string) error {
		if as != backfill.Changed {
			return nil
		}
		return each(f)
	}
	_, err = withBook(ctx, s.cfg, &e)
	return err
}

// stateFile is what `state export` writes. Fields are only ever added.
type stateFile struct {
	Version   int             `json:"version"`
	Catalogue string          `json:"catalogue"`
	Group     string          `json:"group"`
	State     ledger.JobState `json:"state"`
}

const stateFileVersion = 1

func (s *stateCommand) export() *cobra.Command {
	return program.Command(&cobra.Command{
		Use: "export -c config.yml --job NAME", Short: "Prints the state of a job as JSON, for import",
		Args: program.NoArguments("a job is named by --job"),
		RunE: s.with(func(c *cobra.Command, _ []string) error {
			j, err := s.known(c.Context())
			if err != nil {
				return err
			}
			of := state.Deployment(s.cfg)
			e := json.NewEncoder(s.out)
			e.SetEscapeHTML(false)
			e.SetIndent("", "  ")
			return printed(0, e.Encode(stateFile{stateFileVersion, of.Catalogue, of.Group, j}))
		}),
	})
}

func (s *stateCommand) imports() *cobra.Command {
	return program.Command(&cobra.Command{
		Use: "import -c config.yml [--job NAME] FILE", Short: "Takes over the state of a job that was exported; - is standard input",
		Long: `Takes over the state of a job that "state export" has printed, perhaps under another name
(--job), in place of the one that is there. Files are not passed over by that unless they are old
and unchanged since; what is registered is not in it, but in the ledger. The state of another
catalogue is refused: files that are registered there need not be registered here.`,
		Args: exactly("one file, or - for standard input"),
		RunE: s.with(func(c *cobra.Command, args []string) error {
			text, err := readState(c.InOrStdin(), args[0])
			if err != nil {
				return err
			}
			f, err := parseState(text)
			if err == nil {
				err = f.check(state.Deployment(s.cfg), time.Now())
			}
			if err != nil {
				return fault.Errorf(fault.BadConfiguration, "%s: %w", args[0], err)
			}
			if ours := state.Deployment(s.cfg).Group; f.Group != ours {
				fmt.Fprintf(c.ErrOrStderr(), "warning: the state is of the group %q, this configuration is of %q (kafka.group_id)\n", f.Group, ours)
			}
			job := f.State
			if s.job != "" {
				job.Job = s.job
			}
			return s.locked(c.Context(), job.Job, func() error {
				if err := s.book.SaveJob(c.Context(), job); err != nil {
					return err
				}
				return printed(fmt.Fprintf(s.out, "Job %s is done up to %s\n", job.Job, markText(job.Mark)))
			})
		}),
	})
}

// longestState bounds what is read as one.
const longestState = 16 << 20

func readState(stdin io.Reader, path string) ([]byte, error) {
	from := stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, fault.Errorf(fault.Usage, "read the state: %w", err)
		}
		defer f.Close()
		from = f
	}
	text, err := io.ReadAll(io.LimitReader(from, longestState+1))
	if err != nil {
		return nil, fault.Errorf(fault.Unavailable, "read the state: %w", err)
	}
	if len(text) > longestState {
		return nil, fault.Errorf(fault.Usage, "read the state: %s is too long to be one", path)
	}
	return text, nil
}

// parseState reads what export wrote. A torn file, or one of a newer version, is
// refused as a whole.
func parseState(text []byte) (stateFile, error) {
	var f stateFile
	if err := json.Unmarshal(text, &f); err != nil {
		return f, fmt.Errorf("not the state of a job, or not all of it: %w", err)
	}
	switch {
	case f.Version < 1:
		return f, errors.New("not the state of a job: it has no version")
	case f.Version > stateFileVersion:
		return f, fmt.Errorf("it was exported by a newer version (layout %d, this program knows %d)", f.Version, stateFileVersion)
	case f.State.Job == "":
		return f, errors.New("the state names no job")
	}
	for _, t := range f.times() {
		// The ledger counts nanoseconds from 1970 in 64 bits.
		if y := t.at.Year(); y != 1 && (y < 1700 || y > 2200) {
			return f, fmt.Errorf("%s: the year %d can not be", t.what, y)
		}
	}
	return f, nil
}

// namedTime is a time in the state of a job.
type namedTime struct {
	what string
	at   time.Time
}

func (f *stateFile) times() []namedTime {
	s := &f.State
	return []namedTime{{"mark", s.Mark.Time}, {"scanned_at", s.ScannedAt}, {"last_run", s.LastRun}, {"last_good", s.LastGood}}
}

// clocksApart is how far the clocks of two machines may differ.
const clocksApart = time.Hour

// check finds what would hide files from the next run of a deployment.
func (f *stateFile) check(of ledger.Deployment, now time.Time) error {
	plain := func(catalogue string) string { return strings.TrimRight(catalogue, "/") }
	if plain(f.Catalogue) != plain(of.Catalogue) {
		return fmt.Errorf("it is the state of a job of another catalogue, %q, where other files are registered; this configuration is of %s (scicat.host)",
			f.Catalogue, of.Catalogue)
	}
	for _, t := range f.times() {
		if t.at.After(now.Add(clocksApart)) {
			return fmt.Errorf("%s: %s is in the future; is the clock right?", t.what, timeText(t.at, ""))
		}
	}
	return nil
}
