package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"ingestor/cmd/internal/program"
	"ingestor/internal/fault"
	"ingestor/internal/nexus"
)

func newSchemaList(stdout io.Writer) *cobra.Command {
	var asJSON bool
	var under string
	c := program.Command(&cobra.Command{
		Use:   "list FILE [PATH]",
		Short: "Lists what is in a data file, ready to paste as variables of a schema",
		Long: `Lists groups, datasets and links of a NeXus/HDF5 file in the order of the file. A dataset that
can be metadata is a line to paste below variables: in a schema; all else is a comment. Links
that lead nowhere or back are shown and not followed.

Exit status: 0 listed; 65 the file can not be read, or has no such path; 75 it is not ready.`,
		Example: "  " + name + " schema list run_31010.hdf /entry/sample",
		Args:    between(1, 2, "a data file and perhaps a path in it"),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 2 && under != "" {
				return fault.Errorf(fault.Usage, "give the path once: %s or --under %s", args[1], under)
			}
			if len(args) == 2 {
				under = args[1]
			}
			return list(c.Context(), stdout, args[0], under, asJSON)
		},
	})
	c.ValidArgsFunction = func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return nil, cobra.ShellCompDirectiveDefault
	}
	c.Flags().StringVar(&under, "under", "", "List only what is at and below this path.")
	c.Flags().BoolVar(&asJSON, "json", false, "Print each object as one line of JSON.")
	return c
}

// smallValue bounds what is read of a file to be shown, in bytes.
const smallValue = 64 << 10

// list writes the tree of a file while it walks it.
func list(ctx context.Context, stdout io.Writer, path, under string, asJSON bool) (err error) {
	file, err := nexus.Open(ctx, path, nexus.OpenOptions{MaxBytes: 1 << 20})
	if err != nil {
		return err
	}
	defer func() {
		if e := file.Close(); err == nil {
			err = e
		}
	}()
	out := bufio.NewWriterSize(stdout, 32<<10)
	defer func() { err = errors.Join(err, out.Flush()) }()
	w := &walker{ctx: ctx, file: file, seen: map[nexus.ObjectID]string{}}
	write := textWriter(out)
	if asJSON {
		write = jsonWriter(out)
	}
	w.write = func(o object) error {
		if err := write(o); err != nil {
			return err
		}
		if o.Kind == kindGroup {
			return out.Flush()
		}
		return nil
	}
	root := "/" + strings.Trim(under, "/")
	d, err := file.Describe(root)
	if errors.Is(err, nexus.ErrNotFound) {
		return fault.Errorf(fault.BadInput, "%s: there is no %s in the file", path, root)
	}
	if err != nil {
		return err
	}
	if !asJSON {
		if _, err := fmt.Fprintf(out, "# %s: paste what you need below variables: of a schema\n", path); err != nil {
			return err
		}
	}
	return w.visit(root, d, 0)
}

// textWriter writes objects as lines of YAML.
func textWriter(out io.Writer) func(object) error {
	names := newVariableNames()
	return func(o object) error {
		_, err := fmt.Fprintln(out, o.text(names))
		return err
	}
}

// jsonWriter writes objects as lines of JSON.
func jsonWriter(out io.Writer) func(object) error {
	names := newVariableNames()
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	return func(o object) error {
		if o.ValueType != "" {
			o.Variable = variableLine(names.name(o.Path), o)
		}
		return e.Encode(o)
	}
}
