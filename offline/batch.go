package offline

import (
	"context"

	"ingestor/internal/fault"
)

// IngestAll registers files, one after the other, as Ingest does, but asks the
// catalogue about many of them at once. Begin hears of a file whenever work on it
// starts, which is twice for most: when it is read, and when it is registered;
// the last one of which it heard is the one at work. Each hears what became of
// a file; files that are not done have none.
//
// The error is what concerns all files, or the end of ctx: it ends the batch. What
// concerns one file is in its report, the error for the log.
func (g *Ingestor) IngestAll(ctx context.Context, files []string, begin func(file string), each func(Report, error)) error {
	for _, file := range files {
		begin(file)
		rep, err := g.Ingest(ctx, file, "")
		switch fault.KindOf(err).Class() {
		case fault.ClassSystemic, fault.ClassInterrupted:
			if err != nil {
				return err
			}
		}
		each(rep, err)
	}
	return nil
}
