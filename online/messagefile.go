package online

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"ingestor/internal/sidecar"
	"ingestor/schemas/filewriter"
)

// MessageFile says whether and where messages are kept beside their data.
type MessageFile struct {
	// Write switches it on.
	Write bool
	// Directory is absolute, or relative to the data file's folder.
	Directory string
	// Extension follows the stem of the data file's name.
	Extension string
}

// save writes the message as an object of its six fields (D38) and returns
// where. Daemons that write the same message at once write the same bytes.
func (m MessageFile) save(w filewriter.WritingDone) (string, error) {
	content, err := json.MarshalIndent(struct {
		ServiceID string `json:"service_id"`
		JobID     string `json:"job_id"`
		Failed    bool   `json:"error_encountered"`
		FileName  string `json:"file_name"`
		Metadata  string `json:"metadata"`
		Message   string `json:"message"`
	}{w.ServiceID, w.JobID, w.Failed, w.FileName, w.Metadata, w.Message}, "", "  ")
	if err != nil {
		return "", fmt.Errorf("encode the message: %w", err)
	}
	path := sidecar.Path(w.FileName, m.Directory, m.Extension)
	if err := sidecar.Write(w.FileName, path, append(content, '\n')); err != nil {
		return "", fmt.Errorf("keep the message beside the data: %w", err)
	}
	return path, nil
}

// messageFilePatience is how long a storage may take for a message file.
const messageFilePatience = 20 * time.Second

var errFileHangs = errors.New("the storage does not answer")

// prepare writes the message file and then starts the child. It is done beside
// the loop, which must not hang when the storage does; the job has its place in
// the pool meanwhile.
func (d *Daemon) prepare(ctx context.Context, j *job) {
	d.running[j] = struct{}{}
	d.preparing[j] = struct{}{}
	started := j.started
	done := func(path string, err error) {
		d.events.put(func() {
			if _, waits := d.preparing[j]; waits && j.started.Equal(started) {
				d.prepared(ctx, j, path, err)
			}
		})
	}
	limit := time.AfterFunc(messageFilePatience, func() { done("", errFileHangs) })
	go func() { // may outlive everything, as the storage does
		path, err := d.opt.MessageFile.save(j.written)
		limit.Stop()
		done(path, err)
	}()
}

func (d *Daemon) prepared(ctx context.Context, j *job, path string, err error) {
	delete(d.preparing, j)
	delete(d.running, j)
	if err != nil {
		// The dataset matters more than the note beside it.
		d.entry(j).WithError(err).Warn("Message file is not written; ingesting without it")
		path = ""
	}
	d.launch(ctx, j, path)
}
