package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"

	"ingestor/cmd/internal/program"
	"ingestor/configs"
	"ingestor/internal/fault"
	"ingestor/internal/outcome"
	"ingestor/offline"
	"ingestor/schemas/metadata"
)

const name = "offline-ingestor"

func newCommand(stdout, stderr io.Writer) *cobra.Command {
	var asJSON bool
	c := program.Command(&cobra.Command{
		Use:   name + " -c config.yml FILE…",
		Short: "Registers data files in the SciCat catalogue",
		Long: `Reads each NeXus/HDF5 file, picks the metadata schema that selects it, and registers a
dataset with its file list in the catalogue. A file that is registered already is left
alone, one that is registered by half is completed; so it may be run again at any time.

Exit status: 0 registered, already there, or dry run; 2 wrong command line; 65 the file or
the schema is at fault; 69 catalogue or storage unavailable; 70 a bug; 75 the file is not
ready, try later; 77 not permitted; 78 wrong configuration; 130, 143 interrupted.`,
		Example: "  " + name + " -c /etc/ingestor/ingestor.yml run_31010.hdf\n" +
			"  " + name + " -c ingestor.yml --ingestion.dry-run run_31010.hdf",
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			return ingest(c, args, printer{out: stdout, json: asJSON}, stderr)
		},
	})
	configs.BindFlags(c.Flags(), configs.Offline)
	c.Flags().BoolVar(&asJSON, "json", false, "Print each result as one line of JSON.")
	c.Flags().SortFlags = false
	c.CompletionOptions.HiddenDefaultCmd = true
	return c
}

// ingest registers the files of one command line, one after the other.
func ingest(c *cobra.Command, args []string, out printer, stderr io.Writer) error {
	loaded, err := configs.Load(configs.Offline, c.Flags(), os.Environ())
	if err != nil {
		return program.Kind(err)
	}
	cfg := loaded.Config
	files := slices.Clone(args)
	if cfg.NexusFile != "" {
		files = append([]string{cfg.NexusFile}, files...)
	}
	if len(files) == 0 {
		return fault.Errorf(fault.Usage, "no file to ingest: name one, or give --nexus-file")
	}
	if cfg.DoneWritingMessageFile != "" && len(files) > 1 {
		return fault.Errorf(fault.Usage, "--done-writing-message-file goes with one file, not with %d", len(files))
	}
	progress := newProgress(stderr)
	ingestor, log, end, err := ready(loaded, progress.update)
	if err != nil {
		return err
	}
	defer end()
	next := 1
	return each(c.Context(), log, files, func(ctx context.Context, file string) error {
		if next < len(files) {
			ingestor.Ahead(ctx, files[next])
			next++
		}
		rep, err := ingestor.Ingest(ctx, file, cfg.DoneWritingMessageFile)
		progress.end()
		if cause := context.Cause(ctx); err != nil && cause != nil {
			// What failed because we were stopped says nothing of the file.
			err = fmt.Errorf("%s: %w", file, cause)
			rep.Error, rep.Exit = err.Error(), fault.ExitCode(err)
		}
		if err != nil {
			err = say(log, rep.Record, err)
		}
		if e := out.print(rep); e != nil && err == nil {
			err = e
		}
		report(rep.Record, log)
		return err
	})
}

// each ingests the files in order. One that fails by itself does not keep the
// others from being tried; what concerns all of them does. The first failure
// gives the exit status.
func each(ctx context.Context, log logrus.FieldLogger, files []string, ingest func(context.Context, string) error) error {
	var first error
	for i, file := range files {
		err := ingest(ctx, file)
		if first == nil {
			first = err
		}
		switch class := fault.KindOf(err).Class(); {
		case err == nil:
		case class == fault.ClassSystemic, class == fault.ClassInterrupted:
			if left := len(files) - i - 1; left > 0 {
				log.Warnf("The other %d file(s) are not tried", left)
			}
			return first
		}
	}
	return first
}

// say logs why a file failed, once, and marks the error as said.
func say(log logrus.FieldLogger, r outcome.Record, err error) error {
	entry := log.WithField("file", r.File)
	if r.JobID != "" {
		entry = entry.WithField("job_id", r.JobID)
	}
	entry.Error("Ingestion failed: " + withoutPath(oneLine(err), r.File) + advice[fault.KindOf(err)])
	return &program.Said{Err: err}
}

// advice is what to do about failures that are nobody's fault in the file.
var advice = map[fault.Kind]string{
	fault.Busy:        "; try again later",
	fault.Unavailable: "; try again later, a repetition registers nothing twice",
	fault.Bug:         "; this is a fault of the program, please report it with this line",
}

func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// withoutPath leaves out the path of the file, which the line names in a field
// of its own.
func withoutPath(text, path string) string {
	text = strings.Replace(text, " "+path+": ", " the file: ", 1)
	return strings.Replace(text, " "+path+" (", " the file (", 1)
}

// report tells a parent that asked for it how the file ended.
func report(r outcome.Record, log logrus.FieldLogger) {
	pipe := resultPipe()
	if pipe == nil {
		return
	}
	if err := r.Write(pipe); err != nil {
		log.WithError(err).Warn("Result record is not delivered")
	}
}

// resultPipe is where a parent reads records; nil where none asked for them.
func resultPipe() *os.File {
	fd, err := strconv.Atoi(os.Getenv(outcome.ResultFD))
	if err != nil {
		return nil
	}
	return os.NewFile(uintptr(fd), "result pipe")
}

// ready begins the log and makes the ingestor of a command. The caller ends the
// log where there is no error.
func ready(loaded *configs.Loaded, progress func(done, total int64)) (ingestor *offline.Ingestor, log *logrus.Logger, end func(), err error) {
	log, closeLog, err := program.Logger(name, loaded.Config.Logging)
	if err != nil {
		return nil, nil, nil, err
	}
	end = func() { program.CloseLog(closeLog, os.Stderr) }
	for _, w := range loaded.Warnings {
		log.Warn(w)
	}
	if ingestor, err = newIngestor(loaded.Config, log, progress); err != nil {
		log.Error("Can not start: " + oneLine(err))
		end()
		return nil, nil, nil, &program.Said{Err: err}
	}
	return ingestor, log, end, nil
}

// newIngestor makes the ingestor that the configuration describes.
func newIngestor(cfg configs.Config, log *logrus.Logger, progress func(done, total int64)) (*offline.Ingestor, error) {
	schemas, err := metadata.LoadDirectory(cfg.Ingestion.SchemasDirectory)
	if err != nil {
		return nil, named("ingestion.schemas_directory", err)
	}
	for _, w := range schemas.Warnings {
		log.Warn(w)
	}
	var fallback *metadata.Schema
	if path := cfg.Ingestion.FallbackSchemaFilePath; path != "" {
		if fallback, err = metadata.LoadFallback(path); err != nil {
			return nil, named("ingestion.fallback_schema_file_path", err)
		}
	}
	catalogue, err := program.Catalogue(name, cfg.SciCat, log)
	if err != nil {
		return nil, err
	}
	files := cfg.Ingestion.FileHandling
	return offline.New(offline.Options{
		Schemas: schemas, Fallback: fallback, Catalogue: catalogue, Log: log, OpenLedger: openLedger(cfg),
		DryRun: cfg.Ingestion.DryRun, OpenRetryDelays: files.RetryDelays(), ReadTimeLimit: files.DataFileReadTimeout,
		AllowPID: cfg.Dataset.AllowDatasetPID, GeneratePID: cfg.Dataset.GenerateDatasetPID, PIDPrefix: cfg.Dataset.DatasetPIDPrefix,
		Defaults: offline.Defaults{
			InstrumentID: cfg.Dataset.DefaultInstrumentID, ProposalID: cfg.Dataset.DefaultProposalID,
			OwnerGroup: cfg.Dataset.DefaultOwnerGroup, AccessGroups: cfg.Dataset.DefaultAccessGroups,
		},
		CheckByPID: cfg.Ingestion.CheckIfDatasetExistsByPID, CheckByMetadata: cfg.Ingestion.CheckIfDatasetExistsByMetadata,
		MetadataKey: cfg.Ingestion.CheckIfDatasetExistsByMetadataKey,
		Files: offline.FileOptions{
			Stats: files.ComputeFileStats, Hash: files.ComputeFileHash, Algorithm: files.FileHashAlgorithm,
			SaveHash: files.SaveFileHash, HashExtension: files.HashFileExtension,
			IngestorDirectory: files.IngestorFilesDirectory, Relative: files.Relative(), Progress: progress,
		},
	})
}

// named tells by which key a file or folder was looked for that can not be had;
// other errors name their place themselves.
func named(key string, err error) error {
	var p *fs.PathError
	if !errors.As(err, &p) {
		return err
	}
	path, e := filepath.Abs(p.Path) // relative ones start at the working directory
	if e != nil {
		path = p.Path
	}
	return fault.Errorf(fault.KindOf(err), "%s: %s: %w", key, path, p.Err)
}
