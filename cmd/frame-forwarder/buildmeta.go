package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/sirupsen/logrus"

	"ingestor/configs"
)

// buildMeta reads what the site's images say about the code that they run; nil when
// there is nothing. As with the peers that is no reason not to start.
func buildMeta(path string, log logrus.FieldLogger) json.RawMessage {
	if path == "" {
		return nil
	}
	text, err := configs.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var meta json.RawMessage
	if err == nil {
		meta, err = readBuildMeta(text)
	}
	if err != nil {
		log.WithField("file", path).WithError(err).Warn("The build information is left out")
		return nil
	}
	return meta
}

// readBuildMeta keeps the four fields that the peers have; they take no state with
// others, nor without one of them.
func readBuildMeta(text []byte) (json.RawMessage, error) {
	var meta struct {
		Commit     *string `json:"commit_hash"`
		Branch     *string `json:"branch_name"`
		Timestamp  *string `json:"timestamp"`
		Repository *string `json:"repository_url"`
	}
	if err := json.Unmarshal(text, &meta); err != nil {
		return nil, err
	}
	for name, value := range map[string]*string{
		"commit_hash": meta.Commit, "branch_name": meta.Branch, "timestamp": meta.Timestamp, "repository_url": meta.Repository,
	} {
		if value == nil {
			return nil, fmt.Errorf("%s is missing", name)
		}
	}
	when, err := time.Parse(time.RFC3339, *meta.Timestamp)
	if err != nil {
		return nil, fmt.Errorf("timestamp: %w", err)
	}
	*meta.Timestamp = when.Format(time.RFC3339Nano)
	return json.Marshal(meta)
}
