package offline

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/sirupsen/logrus"

	"ingestor/internal/fault"
	"ingestor/internal/nexus"
	"ingestor/internal/outcome"
	"ingestor/schemas/metadata"
	"ingestor/scicat"
)

// Ingestor registers files. It is safe for use by several goroutines.
type Ingestor struct {
	opt  Options
	book *notebook
	// ahead are checksums of files that come next.
	ahead *aheads
	// refused are the questions about many that the catalogue does not answer.
	refused *refusals
}

// New makes an ingestor; it opens nothing yet.
func New(o Options) (*Ingestor, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, err
	}
	return &Ingestor{opt: o, book: &notebook{open: o.OpenLedger, log: o.Log}, ahead: &aheads{}, refused: &refusals{}}, nil
}

// Report is what became of one file, with the bodies that were sent or, in a
// dry run, would have been; nil where it did not come to that.
type Report struct {
	outcome.Record
	DatasetBody   *scicat.Dataset
	DatablockBody *scicat.Datablock
}

// found is what is known of a file when it is to be listed.
type found struct {
	path, sourceFolder string
	checksum           string
	messageFile        string
	messageChecksum    string
}

// Ingest registers one file. MessageFile, if not empty, is the saved message
// that announced it, and becomes one more entry of the file list (D8). The
// report is filled as far as it came, also on error.
func (g *Ingestor) Ingest(ctx context.Context, path, messageFile string) (Report, error) {
	w := g.start(path)
	return w.ended(ctx, g.ingest(ctx, w, messageFile))
}

// work is a file on its way through an ingestor.
type work struct {
	rep     Report
	rec     *record
	began   time.Time
	spent   time.Duration // before began
	schema  *metadata.Schema
	dataset scicat.Dataset
	// Of a batch: the file before it was read, nil when that can not be told,
	// and what is known of its dataset.
	info  os.FileInfo
	known known
}

func (g *Ingestor) start(path string) *work {
	w := &work{began: time.Now()}
	w.rep.File = path
	w.rec = g.record(&w.rep)
	return w
}

// ended completes the report, and notes a failure.
func (w *work) ended(ctx context.Context, err error) (Report, error) {
	if err != nil {
		w.rec.failed(ctx, err)
		w.rep.Error = err.Error()
	}
	w.rep.Seconds = (w.spent + time.Since(w.began)).Seconds()
	w.rep.Exit = fault.ExitCode(err)
	return w.rep, err
}

func (g *Ingestor) ingest(ctx context.Context, w *work, messageFile string) error {
	file, err := g.open(ctx, w)
	if err != nil {
		return err
	}
	defer file.Close()
	path := w.rep.File
	messageFile = g.usableMessageFile(path, messageFile)
	// The checksum needs nothing but the file: it is computed while schema
	// and catalogue are asked, and given up when it turns out unneeded.
	hashing, stopHashing := context.WithCancel(ctx)
	sums := g.hashInBackground(hashing, path, messageFile)
	defer func() {
		stopHashing()
		for range sums { // until it has ended
		}
	}()
	if err := g.evaluate(ctx, w, file, g.opt.Catalogue.Lookups()); err != nil {
		return err
	}
	return g.register(ctx, w, known{}, func() ([]scicat.DataFile, error) { return g.fileList(w, messageFile, sums) })
}

// open opens the file of w and selects its schema.
func (g *Ingestor) open(ctx context.Context, w *work) (*nexus.File, error) {
	path := w.rep.File
	file, err := nexus.Open(ctx, path, nexus.OpenOptions{RetryDelays: g.opt.OpenRetryDelays, TimeLimit: g.opt.ReadTimeLimit})
	if err != nil {
		return nil, withHint(err)
	}
	if w.schema, err = g.selectSchema(path); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	w.rep.Schema = w.schema.ID
	g.log(path).WithFields(logrus.Fields{"schema": w.schema.ID, "schema_name": w.schema.Name}).Info("Metadata schema selected")
	return file, nil
}

// evaluate makes the dataset of w out of its open file, and closes that.
func (g *Ingestor) evaluate(ctx context.Context, w *work, file *nexus.File, lookups *scicat.Lookups) error {
	path := w.rep.File
	result, err := w.schema.Evaluate(ctx, metadata.Input{
		Path: path, File: file, Catalogue: lookups, Now: g.opt.Now(),
		RunID: uuid.NewString(), IngestorFilesDirectory: g.opt.Files.IngestorDirectory,
	})
	if err == nil {
		err = ctx.Err() // what could not be read then is no fault of the file
	}
	if err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	g.tell(path, result)
	w.rep.JobID = jobID(result)
	w.dataset, err = g.buildDataset(path, result)
	if err == nil {
		w.rep.PID = w.dataset.PID
	}
	return err
}

// fileList lists the files of w, once their checksums are there.
func (g *Ingestor) fileList(w *work, messageFile string, sums <-chan sums) ([]scicat.DataFile, error) {
	f := &found{path: w.rep.File, sourceFolder: text(w.dataset.SourceFolder), messageFile: messageFile}
	for s := range sums {
		if s.err != nil {
			return nil, s.err
		}
		f.checksum, f.messageChecksum = s.data, s.message
	}
	return g.listFiles(f)
}

// selectSchema finds the schema of a path; none is the file's fault.
func (g *Ingestor) selectSchema(path string) (*metadata.Schema, error) {
	schema, err := g.opt.Schemas.Select(path)
	if err != nil {
		return nil, err
	}
	if schema == nil && g.opt.Fallback != nil {
		if err := g.opt.Fallback.Err(); err != nil {
			return nil, err
		}
		return g.opt.Fallback, nil
	}
	if schema == nil && len(g.opt.Schemas.Schemas) == 0 {
		// A folder that is not mounted, or is just being updated, looks so: no fault
		// of this file.
		return nil, fault.Errorf(fault.BadConfiguration, "there is no metadata schema, *.imsc.yml, in ingestion.schemas_directory")
	}
	if schema == nil {
		return nil, fault.Errorf(fault.BadInput, "no metadata schema selects %s (of %d in ingestion.schemas_directory, "+
			"whose selectors see the path as it was given): add one, or set ingestion.fallback_schema_file_path", path, len(g.opt.Schemas.Schemas))
	}
	return schema, nil
}

// usableMessageFile is messageFile, or "" with a warning when it is not there.
func (g *Ingestor) usableMessageFile(path, messageFile string) string {
	if messageFile == "" {
		return ""
	}
	info, err := os.Stat(messageFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = errors.New("there is no such file")
	case err == nil && !info.Mode().IsRegular():
		err = errors.New("it is not a file")
	}
	if err != nil {
		g.log(path).WithField("message_file", messageFile).WithError(err).Warn("Message file is left out of the file list")
		return ""
	}
	return messageFile
}

// sums are the checksums of the data file and of the message file.
type sums struct {
	data, message string
	err           error
}

// hashInBackground gives one sums value, at once empty ones when none are wanted.
func (g *Ingestor) hashInBackground(ctx context.Context, path, messageFile string) <-chan sums {
	out := make(chan sums, 1)
	if !g.opt.Files.Hash {
		close(out)
		return out
	}
	go func() {
		defer close(out)
		var s sums
		if s.data = g.begun(ctx, path); s.data == "" {
			s.data, s.err = hashFile(ctx, path, g.opt.Files.Algorithm, g.opt.Files.Progress)
		}
		if s.err == nil && messageFile != "" {
			s.message, s.err = hashFile(ctx, messageFile, g.opt.Files.Algorithm, nil)
		}
		out <- s
	}()
	return out
}

// tell logs what failed in a schema: never fatal by itself.
func (g *Ingestor) tell(path string, m *metadata.Result) {
	for _, f := range m.Failures {
		if len(f.Because) > 0 {
			continue // the variable's line names the field
		}
		entry := g.log(path).WithFields(logrus.Fields{"schema": m.Schema.ID, "name": f.Name, "reason": f.Reason})
		if len(f.Costs) > 0 {
			entry = entry.WithField("fields", strings.Join(f.Costs, " "))
		}
		entry.Warnf("Metadata %s could not be constructed and is ignored", f.What)
	}
	for _, w := range m.Warnings {
		g.log(path).WithField("schema", m.Schema.ID).Warn(w)
	}
}

func (g *Ingestor) log(path string) logrus.FieldLogger {
	return g.opt.Log.WithField("file", filepath.Clean(path))
}
