package metadata

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"ingestor/internal/fault"
	"ingestor/schemas/metadata/pyvalue"
)

// Catalogue answers look-ups. It may be called by several goroutines.
type Catalogue interface {
	// Lookup is the body of the 2xx answer to a GET of url, which is the
	// rendered text of a variable, such as proposals/123456. Errors of kind
	// Unavailable and NotPermitted end the evaluation; any other fails the
	// variable, so its message must name status and address.
	Lookup(ctx context.Context, url string) ([]byte, error)
}

// Input is a file to evaluate a schema for.
type Input struct {
	// Path is the file's path as it was given.
	Path string
	// File is the open file.
	File File
	// Catalogue answers the look-ups; without one they fail.
	Catalogue Catalogue
	// Now is the value of the variable now.
	Now time.Time
	// RunID is the value of ingestor_run_id.
	RunID string
	// IngestorFilesDirectory is that of the configuration, as written there.
	IngestorFilesDirectory string
}

// Evaluate makes metadata of a file. Variables and fields that fail are
// collected in the result. An error means that nothing can be said about the
// file now: the context has ended, the catalogue is away or refuses the
// account, or (kind BadInput) the schema itself has a fault.
func (s *Schema) Evaluate(ctx context.Context, in Input) (*Result, error) {
	if err := s.Err(); err != nil {
		return nil, err
	}
	if in.File == nil {
		return nil, errors.New("evaluate schema: there is no file")
	}
	ctx, cancel := context.WithCancel(ctx)
	e := newEvaluation(s, in)
	// Look-ups that nobody waits for any more are ended, and awaited.
	defer e.drain()
	defer cancel()
	e.lookSamples(ctx)
	if err := e.variables(ctx); err != nil {
		return nil, err
	}
	e.fields()
	e.attachSamples()
	e.result.Warnings = append(e.result.Warnings, e.reader.warnings...)
	return e.result, nil
}

// sampleLookup stands for the look-up of samples where others have the
// position of their variable.
const sampleLookup = -1

// evaluation is the state of one Evaluate.
type evaluation struct {
	schema   *Schema
	input    Input
	reader   *reader
	registry *registry
	result   *Result
	// variables of the schema by position.
	outcomes []Variable
	started  []bool
	answers  chan lookedUp
	running  int
}

// lookedUp is the answer to a look-up.
type lookedUp struct {
	position int
	url      string
	value    pyvalue.Value
	// err is that of the catalogue, parseErr that of reading the body.
	err, parseErr error
}

var errNotJSON = errors.New("the answer is not JSON")

func newEvaluation(s *Schema, in Input) *evaluation {
	builtIns := builtInVariables(s, in)
	return &evaluation{
		schema: s, input: in,
		reader:   newReader(in.File),
		registry: newRegistry(builtIns, s.Definitions),
		result:   &Result{Schema: s, Variables: builtIns, HighLevel: map[string]any{}},
		outcomes: make([]Variable, len(s.Definitions)),
		started:  make([]bool, len(s.Definitions)),
		answers:  make(chan lookedUp, len(s.Definitions)+1),
	}
}

// builtInVariables are those that every schema can use.
func builtInVariables(s *Schema, in Input) []Variable {
	clean := cleanFilePath(in.Path)
	text := func(name, value string) Variable {
		return Variable{Name: name, Source: BuiltIn, value: pyvalue.Str(value)}
	}
	return []Variable{
		text("ingestor_run_id", in.RunID),
		text("data_file_path", clean),
		text("data_file_name", baseName(clean)),
		text("now", pyvalue.DateOf(in.Now.UTC()).String()),
		text("ingestor_files_directory", in.IngestorFilesDirectory),
		{Name: "ingestor_metadata_schema_id", Source: BuiltIn, value: s.id},
	}
}

// cleanFilePath is a path as Python's pathlib writes it: without empty and
// single-dot parts, but with `..`.
func cleanFilePath(p string) string {
	var parts []string
	for _, part := range strings.Split(p, "/") {
		if part != "" && part != "." {
			parts = append(parts, part)
		}
	}
	clean := strings.Join(parts, "/")
	switch {
	case strings.HasPrefix(p, "//") && !strings.HasPrefix(p, "///"):
		return "//" + clean
	case path.IsAbs(p):
		return "/" + clean
	case clean == "":
		return "."
	default:
		return clean
	}
}

func (e *evaluation) warn(format string, args ...any) {
	e.result.Warnings = append(e.result.Warnings, fmt.Sprintf(format, args...))
}

// variables evaluates all variables. Those that need nothing more are done at
// once, in their order; look-ups run while others are done.
func (e *evaluation) variables(ctx context.Context) error {
	for {
		for i := range e.schema.Definitions {
			if !e.started[i] && (scope{e.registry, i}).ready(e.templates(i)) {
				e.started[i] = true
				e.evaluate(ctx, i)
			}
		}
		if e.running == 0 {
			break
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("evaluate schema %s: %w", e.schema.ID, ctx.Err())
		case answer := <-e.answers:
			e.running--
			if err := e.finish(ctx, answer); err != nil {
				return err
			}
		}
	}
	for i := range e.outcomes {
		e.result.Variables = append(e.result.Variables, e.outcomes[i])
		if f := e.outcomes[i].Failure; f != nil {
			e.result.Failures = append(e.result.Failures, *f)
		}
	}
	return nil
}

// templates are the texts of a variable in which names are replaced.
func (e *evaluation) templates(i int) []string {
	switch d := e.schema.Definitions[i]; d.Source {
	case FromCatalogue:
		return []string{d.URL}
	case FromValue:
		return templates(d.value)
	default:
		return nil
	}
}

func (e *evaluation) evaluate(ctx context.Context, i int) {
	d := e.schema.Definitions[i]
	switch d.Source {
	case FromFile:
		b, err := e.reader.variable(d)
		e.settle(i, d.Path, b, err)
	case FromCatalogue:
		address, _, err := scope{e.registry, i}.renderText(d.URL)
		if err != nil {
			e.settle(i, d.URL, binding{}, err)
			return
		}
		text, ok := address.(pyvalue.Str)
		if !ok {
			e.settle(i, d.URL, binding{}, fmt.Errorf("%s is not an address", pyvalue.Words(address)))
			return
		}
		e.start(ctx, i, string(text))
	default:
		b, err := scope{e.registry, i}.compute(d)
		e.settle(i, d.Template(), b, err)
	}
}

// compute evaluates a VALUE variable.
func (s scope) compute(d Definition) (binding, error) {
	v, unit, err := s.render(d.value)
	if err != nil {
		return binding{}, err
	}
	o := operators[canonicalOperator(d.Operator)]
	if v, err = o.apply(v, d); err != nil {
		return binding{}, err
	}
	if v, err = convert(v, d.Type); err != nil {
		return binding{}, err
	}
	if !o.keepsUnit {
		unit = ""
	}
	return binding{v, unit}, nil
}

// settle records how a variable ended.
func (e *evaluation) settle(i int, from string, b binding, err error) {
	d := e.schema.Definitions[i]
	v := Variable{Name: d.Name, Source: d.Source, Type: d.Type, From: from, Unit: b.unit, value: b.value}
	if err != nil {
		v.value, v.Unit = nil, ""
		v.Failure = &Failure{What: "variable", Name: d.Name, Source: string(d.Source), Type: d.Type, From: from,
			Reason: err.Error(), Line: d.Line}
		e.registry.settle(i, nil)
	} else {
		e.registry.settle(i, &b)
	}
	e.outcomes[i] = v
}

// start begins a look-up.
func (e *evaluation) start(ctx context.Context, position int, address string) {
	e.running++
	catalogue := e.input.Catalogue
	go func() {
		answer := lookedUp{position: position, url: address}
		if catalogue == nil {
			answer.err = errors.New("there is no catalogue to look it up in")
		} else if body, err := catalogue.Lookup(ctx, address); err != nil {
			answer.err = err
		} else if answer.value, err = pyvalue.ParseJSON(body); err != nil {
			answer.parseErr = fmt.Errorf("%w: %w", errNotJSON, err)
		}
		e.answers <- answer
	}()
}

// drain awaits the look-ups that are still running.
func (e *evaluation) drain() {
	for ; e.running > 0; e.running-- {
		<-e.answers
	}
}

// finish takes an answer. Only what concerns the whole catalogue is an error.
func (e *evaluation) finish(ctx context.Context, answer lookedUp) error {
	if answer.err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("evaluate schema %s: %w", e.schema.ID, ctx.Err())
		}
		switch fault.KindOf(answer.err) {
		case fault.Unavailable, fault.NotPermitted:
			return fmt.Errorf("look up %s: %w", answer.url, answer.err)
		}
	}
	if answer.position == sampleLookup {
		return e.samples(answer)
	}
	d := e.schema.Definitions[answer.position]
	b, err := binding{}, answer.err
	if err == nil {
		err = answer.parseErr
	}
	if err == nil {
		b, err = e.picked(answer.value, d)
	}
	e.settle(answer.position, answer.url, b, err)
	return nil
}

// picked is the field of an answer, converted; without a field the whole.
func (e *evaluation) picked(body pyvalue.Value, d Definition) (binding, error) {
	if !isFalse(d.field) {
		item, err := itemOf(body, d.field)
		if err != nil {
			return binding{}, fmt.Errorf("in the answer: %w", err)
		}
		body = item
	}
	v, err := convert(body, d.Type)
	return binding{value: v}, err
}

// isFalse is what Python takes for false: nothing, zero, an empty text.
func isFalse(v pyvalue.Value) bool {
	switch v := v.(type) {
	case nil, pyvalue.None:
		return true
	case pyvalue.Bool:
		return !bool(v)
	case pyvalue.Str:
		return v == ""
	case pyvalue.Int, pyvalue.Float:
		f, err := pyvalue.ToFloat(v)
		return err == nil && f == 0
	default:
		return false
	}
}
