package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"ingestor/cmd/internal/program"
	"ingestor/configs"
	"ingestor/internal/fault"
	"ingestor/schemas/metadata"
)

func newConvert(stdout io.Writer) *cobra.Command {
	var output string
	var force bool
	c := program.Command(&cobra.Command{
		Use:   "convert IN.json [-o OUT.yml]",
		Short: "Rewrites a JSON configuration or schema as YAML",
		Long: `Rewrites a configuration or a metadata schema from JSON to YAML, in the same order, on
standard output or to a file. It is made sure that both load to the same thing.

Exit status: 0 written; 65 the input is not JSON; 77 the output may not be written, or is
there already; 2 wrong command line.`,
		Example:           "  " + name + " convert config.json -o config.yml",
		Args:              exactly("a JSON file"),
		ValidArgsFunction: filesEnding("json"),
		RunE: func(_ *cobra.Command, args []string) error {
			return convert(stdout, args[0], output, force)
		},
	})
	c.Flags().StringVarP(&output, "output", "o", "", "File to write instead of standard output.")
	c.Flags().BoolVar(&force, "force", false, "Overwrite the output if it exists.")
	return c
}

func convert(stdout io.Writer, in, out string, force bool) error {
	text, err := configs.ReadFile(in)
	if err != nil {
		return fault.Errorf(fault.BadInput, "%s: can not be read: %s", in, cause(err))
	}
	root, err := yamlFromJSON(text)
	if err != nil {
		return fault.Errorf(fault.BadInput, "%s: %w", in, err)
	}
	schema := isSchema(root)
	layOut(root, schema)
	converted, err := encodeYAML(root)
	if err != nil {
		return fmt.Errorf("write %s as YAML: %w", in, err)
	}
	if err := sameLoaded(text, []byte(converted), schema); err != nil {
		return fmt.Errorf("%s does not load to the same thing as YAML, so nothing is written: %w", in, err)
	}
	if out == "" {
		_, err := io.WriteString(stdout, converted)
		return err
	}
	mode := os.FileMode(0o644)
	if info, err := os.Stat(in); err == nil {
		mode = info.Mode().Perm() // it may hold secrets
	}
	return writeOut(out, []byte(converted), mode, force)
}

// writeOut writes the whole file or nothing.
func writeOut(path string, text []byte, mode os.FileMode, force bool) error {
	if _, err := os.Lstat(path); err == nil && !force {
		return fault.Errorf(fault.NotPermitted, "%s exists; give --force to overwrite it", path)
	}
	err := renameio.WriteFile(path, text, mode)
	if err != nil {
		return fault.Errorf(fault.NotPermitted, "write %s: %s", path, causeOfWriting(err))
	}
	return nil
}

func causeOfWriting(err error) string {
	var l *os.LinkError
	if errors.As(err, &l) {
		return l.Err.Error()
	}
	return cause(err)
}

// sameLoaded loads both texts and compares.
func sameLoaded(asJSON, asYAML []byte, schema bool) error {
	if err := metadata.SameContent("in.json", asJSON, "out.yml", asYAML); err != nil {
		return err
	}
	if schema {
		return nil
	}
	before, err := configs.Inspect(configs.Tool, "", asJSON, nil)
	if err != nil {
		return err
	}
	after, err := configs.Inspect(configs.Tool, "", asYAML, nil)
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(before.Config, after.Config) {
		return errors.New("the values of some keys differ")
	}
	if a, b := complaints(before), complaints(after); a != b {
		return fmt.Errorf("what is wrong with it differs: %s instead of %s", b, a)
	}
	return nil
}

// complaints are what is wrong with a configuration, without lines.
func complaints(i *configs.Inspection) string {
	var b bytes.Buffer
	for _, p := range append(i.Problems, i.Warnings...) {
		p.Place = ""
		fmt.Fprintln(&b, p)
	}
	return strings.ReplaceAll(strings.TrimSpace(b.String()), "\n", "; ")
}
