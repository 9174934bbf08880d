package offline

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/google/uuid"

	"ingestor/internal/fault"
	"ingestor/internal/nexus"
	"ingestor/schemas/metadata"
	"ingestor/scicat"
)

// Explanation is what Ingest would do with a file, and why.
type Explanation struct {
	File string
	// Considered are the schemas in the order in which they are asked.
	Considered []Considered
	// Schema is the one that is used, nil for none; Fallback says that it is
	// the fallback schema.
	Schema   *metadata.Schema
	Fallback bool
	// Result is what the schema makes of the file; nil when it did not come
	// to that.
	Result *metadata.Result
	// Missing are the mandatory fields without a value, each with its reason.
	Missing []MissingField
	PID     string
	// Checks are what the catalogue was asked about the dataset.
	Checks []Check
	// Exists says that the catalogue has the dataset, Complete that it has the
	// file list too: then nothing would be sent.
	Exists, Complete bool
	// Dataset and Datablock would be sent; nil where they would not.
	Dataset   *scicat.Dataset
	Datablock *scicat.Datablock
	// Away says that the catalogue did not answer or refused the account, so
	// that what was to be looked up there is missing.
	Away error
	// Err is why the file would not be registered; nil when it would, or is.
	Err error
}

// Considered is a schema and whether its selector selects the file.
type Considered struct {
	Schema  *metadata.Schema
	Matches bool
}

// MissingField is a mandatory field without a value.
type MissingField struct{ Name, Reason string }

// Check is a question to the catalogue and its answer in words.
type Check struct {
	What, Answer string
	// Failed says that there was no answer.
	Failed bool
}

// Mandatory lists the fields without which no dataset is registered.
func Mandatory() []string { return append([]string{}, mandatory...) }

// Explain goes the way of Ingest as far as it leads, and writes and posts
// nothing. A catalogue that does not answer fails the look-ups and checks, not
// the explanation; away, if not nil, says why it need not be asked at all. The
// error is that of a context that has ended.
func (g *Ingestor) Explain(ctx context.Context, path, messageFile string, away error) (*Explanation, error) {
	dry := *g
	dry.opt.DryRun = true
	x := &Explanation{File: path, Away: away}
	x.Err = dry.explain(ctx, x, path, messageFile)
	if cause := context.Cause(ctx); cause != nil {
		return x, cause
	}
	return x, nil
}

func (g *Ingestor) explain(ctx context.Context, x *Explanation, path, messageFile string) error {
	for _, s := range g.opt.Schemas.Schemas {
		x.Considered = append(x.Considered, Considered{s, s.Selector.Match(path)})
	}
	schema, schemaErr := g.selectSchema(path)
	if schemaErr == nil {
		x.Schema, x.Fallback = schema, schema == g.opt.Fallback
	}
	file, err := nexus.Open(ctx, path, nexus.OpenOptions{RetryDelays: g.opt.OpenRetryDelays, TimeLimit: g.opt.ReadTimeLimit})
	if err != nil {
		return withHint(err)
	}
	defer file.Close()
	if schemaErr != nil {
		return schemaErr
	}
	catalogue := &tolerant{lookups: g.opt.Catalogue.Lookups(), away: x.Away}
	x.Result, err = schema.Evaluate(ctx, metadata.Input{
		Path: path, File: file, Catalogue: catalogue, Now: g.opt.Now(),
		RunID: uuid.NewString(), IngestorFilesDirectory: g.opt.Files.IngestorDirectory,
	})
	if err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	x.Away = catalogue.away
	dataset, err := g.buildDataset(path, x.Result)
	x.PID = dataset.PID
	x.Missing = g.missing(dataset, x.Result)
	if err != nil {
		if x.onlyAway() {
			return fault.Errorf(fault.KindOf(x.Away), "mandatory values come from the catalogue, which is not available: %w", x.Away)
		}
		return err
	}
	return g.explainRegistration(ctx, x, dataset, messageFile)
}

// missing lists the mandatory fields that have no value.
func (g *Ingestor) missing(d scicat.Dataset, m *metadata.Result) []MissingField {
	var pid any
	if d.PID != "" {
		pid = d.PID
	}
	fields := fieldsOf(&d, &pid)
	var missing []MissingField
	for _, name := range mandatory {
		if *fields[name] == nil && (name != "pid" || g.opt.AllowPID) {
			missing = append(missing, MissingField{name, reasonFor(name, m)})
		}
	}
	return missing
}

// onlyAway says that nothing is missing but what the catalogue did not give.
func (x *Explanation) onlyAway() bool {
	if x.Away == nil || len(x.Missing) == 0 {
		return false
	}
	for _, m := range x.Missing {
		if !strings.Contains(m.Reason, notLookedUp) {
			return false
		}
	}
	return true
}

// explainRegistration asks whether the dataset is there, and makes the bodies.
func (g *Ingestor) explainRegistration(ctx context.Context, x *Explanation, d scicat.Dataset, messageFile string) error {
	x.ask(ctx, g, d)
	var checksums sums
	for s := range g.hashInBackground(ctx, x.File, g.usableMessageFile(x.File, messageFile)) {
		checksums = s
	}
	if checksums.err != nil {
		return checksums.err
	}
	list, err := g.listFiles(&found{
		path: x.File, sourceFolder: text(d.SourceFolder), checksum: checksums.data,
		messageFile: g.usableMessageFile(x.File, messageFile), messageChecksum: checksums.message,
	})
	if err != nil {
		return err
	}
	d.PID = x.PID
	d.Size, d.NumberOfFiles = total(list), len(list)
	block := g.datablock(d, list)
	if !x.Exists {
		x.Dataset = &d
	}
	if !x.Complete {
		x.Datablock = &block
	}
	return nil
}

// ask does the checks that come before registration.
func (x *Explanation) ask(ctx context.Context, g *Ingestor, d scicat.Dataset) {
	if x.Away != nil {
		x.Checks = append(x.Checks, Check{"dataset", "not asked: " + x.Away.Error(), true})
		return
	}
	what := "dataset " + x.PID
	switch {
	case !g.opt.CheckByPID && !g.opt.CheckByMetadata:
		what = "dataset (both checks are switched off: the catalogue would tell when it is posted)"
	case x.PID == "" || !g.opt.CheckByPID:
		what = "dataset with the same " + g.opt.MetadataKey
	case g.opt.CheckByMetadata:
		what += ", or one with the same " + g.opt.MetadataKey
	}
	pid, there, err := g.lookFor(ctx, d)
	switch {
	case err != nil:
		x.Away = err
		x.Checks = append(x.Checks, Check{what, err.Error(), true})
		return
	case !there:
		x.Checks = append(x.Checks, Check{What: what, Answer: "not there"})
		return
	case pid == "":
		x.Exists, x.Complete = true, true
		x.Checks = append(x.Checks, Check{What: what, Answer: "there, but the catalogue does not tell its pid; it would be left as it is"})
		return
	}
	x.Exists, x.PID = true, pid
	x.Checks = append(x.Checks, Check{What: what, Answer: "there, as " + pid})
	ids, err := g.datablocks(ctx, pid)
	what = "file list (origdatablock) of " + pid
	switch {
	case errors.Is(err, scicat.ErrUnreadable):
		x.Complete = true
		x.Checks = append(x.Checks, Check{What: what, Answer: "this account may not see it; it would be left as it is"})
	case err != nil:
		x.Away = err
		x.Checks = append(x.Checks, Check{what, err.Error(), true})
	case len(ids) == 0:
		x.Checks = append(x.Checks, Check{What: what, Answer: "not there: it would be added"})
	default:
		x.Complete = true
		x.Checks = append(x.Checks, Check{What: what, Answer: "there, as " + ids[0]})
	}
}

// tolerant makes a catalogue that is away a failure of each look-up, where it
// would end an ingestion.
type tolerant struct {
	lookups *scicat.Lookups
	mu      sync.Mutex
	away    error
}

// Lookup asks the catalogue, unless it was found to be away before.
func (t *tolerant) Lookup(ctx context.Context, url string) ([]byte, error) {
	t.mu.Lock()
	away := t.away
	t.mu.Unlock()
	if away != nil {
		return nil, &awayError{away}
	}
	body, err := t.lookups.Lookup(ctx, url)
	switch fault.KindOf(err) {
	case fault.Unavailable, fault.NotPermitted:
		t.mu.Lock()
		defer t.mu.Unlock()
		t.away = err
		return nil, &awayError{err}
	}
	return body, err
}

// awayError hides the kind of an error, by which an evaluation would end.
type awayError struct{ err error }

func (e *awayError) Error() string { return notLookedUp + e.err.Error() }

const notLookedUp = "not looked up: "
