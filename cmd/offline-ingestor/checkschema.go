package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ingestor/cmd/internal/program"
	"ingestor/internal/fault"
	"ingestor/offline"
	"ingestor/schemas/metadata"
)

func newCheckSchema(stdout io.Writer) *cobra.Command {
	return program.Command(&cobra.Command{
		Use:   "schema FILE|DIR…",
		Short: "Lists everything that is wrong in metadata schemas",
		Long: `Lists every fault of metadata schemas with file and line, what is wrong and what to write
instead. Of a folder also schemas with the same id, with the same order, and those that never
get a file because an earlier one selects all of theirs.

Exit status: 0 usable, perhaps with warnings; 65 faults; 2 wrong command line.`,
		Example:           "  " + name + " check schema /etc/ingestor/schemas",
		Args:              between(1, 0, "a schema file or a folder of schemas"),
		ValidArgsFunction: filesEnding(yamlAndJSON...),
		RunE: func(_ *cobra.Command, args []string) error {
			errors := 0
			for _, path := range args {
				f := checkSchemas(path)
				if err := f.print(stdout, path); err != nil {
					return err
				}
				errors += f.errors()
			}
			return found(errors, fault.BadInput)
		},
	})
}

// checkSchemas checks a schema file, or all of a folder.
func checkSchemas(path string) findings {
	var f findings
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		checkSchema(&f, path)
		return f
	}
	files, err := metadata.Files(path)
	if err != nil {
		f.add(finding{place: path, text: "can not be listed: " + cause(err)})
		return f
	}
	if len(files) == 0 {
		f.add(finding{place: path, warning: true, text: "there is no schema here: their names end with .imsc.yml, .imsc.yaml or .imsc.json"})
	}
	var schemas []*metadata.Schema
	for _, file := range files {
		if schema := checkSchema(&f, file); schema != nil {
			schemas = append(schemas, schema)
		}
	}
	for _, r := range metadata.Rivalries(schemas) {
		f.add(finding{place: r.Schema.Path, warning: true, text: r.Fault.String()})
	}
	misnamed(&f, path)
	return f
}

// checkSchema notes what is wrong in a file; nil when it is no usable schema.
func checkSchema(f *findings, path string) *metadata.Schema {
	schema, faults, err := metadata.Inspect(path)
	if err != nil {
		f.add(finding{place: path, text: "can not be read: " + cause(err)})
		return nil
	}
	for _, fault := range faults {
		f.add(finding{place: path, line: fault.Line, warning: fault.Harmless, text: fault.String()})
	}
	if schema == nil {
		return nil
	}
	var missing []string
	names := schema.MachineNames()
	for _, name := range offline.Mandatory() {
		if !slices.Contains(names, name) {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		text := "schema: there is no item for " + strings.Join(missing, ", ") + ", without which no dataset is registered"
		if slices.Equal(missing, []string{"pid"}) {
			text += ", unless dataset.generate_dataset_pid is on or dataset.allow_dataset_pid is off"
		}
		f.add(finding{place: path, warning: true, text: text})
	}
	return schema
}

// misnamed warns about files that look like schemas and are not read.
func misnamed(f *findings, dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // Files has said so
	}
	for _, e := range entries {
		name := strings.ToLower(e.Name())
		usable := slices.ContainsFunc(yamlAndJSON, func(ext string) bool { return strings.HasSuffix(e.Name(), ".imsc."+ext) })
		if !usable && !e.IsDir() && (strings.HasSuffix(name, ".yml") || strings.HasSuffix(name, ".yaml")) && !strings.HasPrefix(name, ".") {
			f.add(finding{place: strings.TrimSuffix(dir, "/") + "/" + e.Name(), warning: true,
				text: "is not read: the names of schemas end with .imsc.yml, .imsc.yaml or .imsc.json"})
		}
	}
}

// cause is the system's reason without operation and path.
func cause(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return fmt.Sprint(err)
}
