package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ingestor/cmd/internal/program"
	"ingestor/internal/fault"
)

// addCommands adds the helping commands, unless no argument can mean one: an
// ingestion does not pay for them.
func addCommands(c *cobra.Command, args []string, stdout, stderr io.Writer) {
	words := []string{"check", "explain", "schema", "convert", "retry", "backfill", "batch", "completion", "help", "-h", "--help",
		cobra.ShellCompRequestCmd, cobra.ShellCompNoDescRequestCmd}
	if !slices.ContainsFunc(args, func(a string) bool { return slices.Contains(words, a) }) {
		return
	}
	c.CompletionOptions.HiddenDefaultCmd = false
	c.Long += "\n\nA file that is called like one of the commands below is given as ./NAME or by --nexus-file."
	for _, flag := range []string{"config-file", "ingestion.fallback-schema-file-path"} {
		if f := c.Flags().Lookup(flag); f != nil {
			f.Annotations = map[string][]string{cobra.BashCompFilenameExt: yamlAndJSON}
		}
	}
	c.AddCommand(
		group("check", "Checks configurations and schemas", newCheckConfig(stdout), newCheckSchema(stdout)),
		newExplain(stdout, stderr),
		group("schema", "Helps to write schemas", newSchemaList(stdout)),
		newConvert(stdout),
		newRetry(stdout, stderr),
		newBackfill(stdout, stderr),
		newBatch(stdout),
	)
}

// yamlAndJSON are the endings of configurations and schemas.
var yamlAndJSON = []string{"yml", "yaml", "json"}

// group is a command that only has others below it.
func group(name, short string, below ...*cobra.Command) *cobra.Command {
	c := program.Command(&cobra.Command{Use: name, Short: short, Args: cobra.ArbitraryArgs})
	var names []string
	for _, b := range below {
		names = append(names, b.Name())
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		known := strings.Join(names, ", ")
		if len(args) > 0 {
			return fault.Errorf(fault.Usage, "%q is no command of %s; there is %s (a data file of that name is given as ./%s)",
				args[0], name, known, name)
		}
		return fault.Errorf(fault.Usage, "%s needs a command: %s (a data file of that name is given as ./%s)", name, known, name)
	}
	c.AddCommand(below...)
	return c
}

// filesEnding completes the names of files with these endings, of folders too.
func filesEnding(extensions ...string) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return extensions, cobra.ShellCompDirectiveFilterFileExt
	}
}

// exactly wants one argument, and says which.
func exactly(what string) cobra.PositionalArgs { return between(1, 1, what) }

// between wants so many arguments; most 0 means any number.
func between(least, most int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return fmt.Errorf("%s needs %s", words(c), what)
		case most > 0 && len(args) > most:
			return fmt.Errorf("%s takes %s, not %d arguments", words(c), what, len(args))
		}
		return nil
	}
}

// words is a command without the program's name.
func words(c *cobra.Command) string { return strings.TrimPrefix(c.CommandPath(), c.Root().Name()+" ") }
