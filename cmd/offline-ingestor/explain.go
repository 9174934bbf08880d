package main

import (
	"errors"
	"io"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ingestor/cmd/internal/program"
	"ingestor/configs"
	"ingestor/internal/fault"
	"ingestor/offline"
)

func newExplain(stdout, stderr io.Writer) *cobra.Command {
	var asJSON bool
	c := program.Command(&cobra.Command{
		Use:   "explain -c config.yml FILE",
		Short: "Shows what would become of a data file, and why",
		Long: `Shows which schema is chosen for a file and why not another, each variable and each field
with its value or why it has none, whether the catalogue has the file already, and what would
be sent. Nothing is written or posted. Without a catalogue it shows the rest.

All flags of ` + name + ` are taken; the list below is the useful part.

Exit status: 0 the file can be registered, or is, as far as can be told; 65 file or schema is
at fault; 69, 77 what the catalogue did not give is mandatory; 75 the file is not ready; 78
wrong configuration; 2 wrong command line.`,
		Example: "  " + name + " explain -c /etc/ingestor/ingestor.yml run_31010.hdf\n" +
			"  " + name + " explain --ingestion.schemas-directory schemas run_31010.hdf",
		Args: exactly("a data file"),
		RunE: func(c *cobra.Command, args []string) error { return explain(c, args[0], asJSON, stdout, stderr) },
	})
	configs.BindFlags(c.Flags(), configs.Offline)
	c.Flags().BoolVar(&asJSON, "json", false, "Print one JSON object.")
	useful := []string{"config-file", "json", "done-writing-message-file", "ingestion.schemas-directory",
		"ingestion.fallback-schema-file-path", "scicat.host", "scicat.token-file"}
	c.Flags().VisitAll(func(f *pflag.Flag) { f.Hidden = !slices.Contains(useful, f.Name) })
	for flag, extensions := range map[string][]string{"config-file": yamlAndJSON, "ingestion.fallback-schema-file-path": yamlAndJSON} {
		c.Flags().Lookup(flag).Annotations = map[string][]string{cobra.BashCompFilenameExt: extensions}
	}
	c.Flags().Lookup("ingestion.schemas-directory").Annotations = map[string][]string{cobra.BashCompSubdirsInDir: {}}
	c.Flags().SortFlags = false
	return c
}

// explainTimeout is how long the catalogue may take for an answer that is only
// looked at.
const explainTimeout = 10 * time.Second

func explain(c *cobra.Command, file string, asJSON bool, stdout, stderr io.Writer) error {
	loaded, err := configs.Load(configs.Tool, c.Flags(), os.Environ())
	if err != nil {
		return program.Kind(err)
	}
	cfg := loaded.Config
	// A look: quick, and without traces.
	cfg.Logging.FileLog, cfg.Logging.SystemLog, cfg.Logging.Graylog = false, false, false
	if cfg.Logging.LoggingLevel == "INFO" {
		cfg.Logging.LoggingLevel = "WARNING"
	}
	cfg.SciCat.MaxRetries = 0
	cfg.SciCat.Timeout = min(cfg.SciCat.Timeout, explainTimeout)
	cfg.Ingestion.DryRun = true
	cfg.Ingestion.FileHandling.DataFileOpenMaxTries, cfg.Ingestion.FileHandling.DataFileOpenRetryDelay = 0, nil
	log, closeLog, err := program.Logger(name, cfg.Logging)
	if err != nil {
		return err
	}
	defer program.CloseLog(closeLog, stderr)
	for _, w := range loaded.Warnings {
		log.Warn(w)
	}
	progress := newProgress(stderr)
	ingestor, err := newIngestor(cfg, log, progress.update)
	if err != nil {
		return err
	}
	x, err := ingestor.Explain(c.Context(), file, cfg.DoneWritingMessageFile, unconfigured(cfg.SciCat))
	progress.end()
	if err != nil {
		return err
	}
	if asJSON {
		err = explainJSON(stdout, x)
	} else {
		err = explainText(stdout, x)
	}
	if err == nil && x.Err != nil {
		err = &program.Said{Err: x.Err}
	}
	return err
}

// unconfigured says why the catalogue need not be asked; nil when it is known.
func unconfigured(c configs.SciCat) error {
	standard, err := configs.Load(configs.Tool, nil, nil)
	if err == nil && c.Host == standard.Config.SciCat.Host {
		return fault.New(fault.Unavailable, errors.New("no catalogue is configured (scicat.host)"))
	}
	return nil
}

// verdict is what would become of the file, in a word and in words.
func verdict(x *offline.Explanation) (word, text string) {
	switch {
	case x.Err != nil:
		return "would_fail", "would not be registered: " + withoutPath(oneLine(x.Err), x.File)
	case x.Complete:
		return "exists", "is registered as " + orNone(x.PID) + ": nothing would be sent"
	case x.Exists:
		return "would_complete", "is registered as " + x.PID + ", but without its file list, which would be added"
	case x.Away != nil:
		return "would_register", "would be registered, as far as can be told without the catalogue"
	}
	return "would_register", "would be registered"
}

func orNone(pid string) string {
	if pid == "" {
		return "(a pid that the catalogue does not tell)"
	}
	return pid
}
