package online

import (
	"encoding/json"
	"fmt"

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
	if err := sidecar.Write(path, append(content, '\n')); err != nil {
		return "", fmt.Errorf("keep the message beside the data: %w", err)
	}
	return path, nil
}
