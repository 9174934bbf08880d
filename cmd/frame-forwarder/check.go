package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"ingestor/cmd/internal/program"
	"ingestor/configs"
	"ingestor/forwarder/dump"
	"ingestor/internal/fault"
)

// newCheck is `check config FILE`, as offline-ingestor has it for its part.
func newCheck(stdout io.Writer) *cobra.Command {
	config := program.Command(&cobra.Command{
		Use:   "config FILE",
		Short: "Lists everything that is wrong in the forwarder's part of a configuration",
		Long: `Lists every fault of the section forwarder with file, line, key and what to write instead, and
whether dumps could be written here. Keys that nobody knows are errors. What is wrong in the sections
of the other programs is a warning; offline-ingestor check config looks at those more closely.
Variables INGESTOR_... of the environment count as they do for the programs.

Exit status: 0 usable, perhaps with warnings; 78 faults; 2 wrong command line.`,
		Example: "  " + name + " check config /etc/ingestor/ingestor.yml",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("check config needs one configuration file, not %d arguments", len(args))
			}
			return nil
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return []cobra.Completion{"yml", "yaml", "json"}, cobra.ShellCompDirectiveFilterFileExt
		},
		RunE: func(_ *cobra.Command, args []string) error { return checkConfig(stdout, args[0]) },
	})
	c := program.Command(&cobra.Command{Use: "check", Short: "Checks configurations", Args: cobra.ArbitraryArgs})
	c.RunE = func(*cobra.Command, []string) error {
		return fault.Errorf(fault.Usage, "check needs a command: config")
	}
	c.AddCommand(config)
	return c
}

// sortByLine puts the problems into the order of a file's lines; places without come
// last.
func sortByLine(all []configs.Problem) {
	line := func(p configs.Problem) int {
		n, err := strconv.Atoi(p.Place[strings.LastIndexByte(p.Place, ':')+1:])
		if err != nil {
			return math.MaxInt
		}
		return n
	}
	slices.SortStableFunc(all, func(a, b configs.Problem) int { return cmp.Compare(line(a), line(b)) })
}

func checkConfig(stdout io.Writer, path string) error {
	text, err := configs.ReadFile(path)
	if err != nil {
		return fault.Errorf(fault.BadConfiguration, "%s can not be read: %w", path, err)
	}
	i, err := configs.InspectForwarder(path, text, os.Environ(), checkStream)
	if err != nil {
		return err
	}
	faults, warnings := i.Problems, i.Warnings
	if i.Readable {
		for _, one := range i.Config.Forwarder.Ingesters {
			if one.DumpPath == "" {
				continue
			}
			if err := dump.Check(one.DumpPath); err != nil {
				warnings = append(warnings, configs.Problem{Place: one.Place("dump_path"), Reason: err.Error()})
			}
		}
	}
	sortByLine(faults)
	sortByLine(warnings)
	for _, group := range []struct {
		grade string
		all   []configs.Problem
	}{{"error", faults}, {"warning", warnings}} {
		for _, p := range group.all {
			place := p.Place
			p.Place = ""
			if _, err := fmt.Fprintf(stdout, "%s: %s: %s\n", place, group.grade, p); err != nil {
				return err
			}
		}
	}
	verdict := "ok"
	if len(faults) > 0 {
		verdict = fmt.Sprintf("errors: %d", len(faults))
	}
	if len(warnings) > 0 {
		verdict += fmt.Sprintf(", warnings: %d", len(warnings))
	}
	if _, err := fmt.Fprintf(stdout, "%s: %s\n", path, verdict); err != nil {
		return err
	}
	if len(faults) == 0 {
		return nil
	}
	return &program.Said{Err: fault.Errorf(fault.BadConfiguration, "%d errors in %s", len(faults), path)}
}
