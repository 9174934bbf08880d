package offline

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/uuid"

	"ingestor/internal/fault"
)

// pidSpace is the namespace of generated pids. Changing it gives every file a
// new pid, and so a second dataset: it never changes.
var pidSpace = uuid.MustParse("7a9c1b52-6f0d-5d7e-9a64-0f3f2d1c8e21")

// generatePID makes the pid of a file: the same at every try, on every host
// that sees the file by the same path (D3). It is named after the file writer's
// job where that is known, else after absolute path, size and time of change.
func generatePID(prefix, jobID, path string) (string, error) {
	name := "job:" + jobID
	if jobID == "" {
		abs, err := filepath.Abs(path)
		if err != nil {
			return "", fault.Errorf(fault.BadInput, "generate a pid: %w", err)
		}
		info, err := os.Stat(path)
		if err != nil {
			return "", fault.Errorf(fault.OfSystem(err), "generate a pid: %w", err)
		}
		name = fmt.Sprintf("file:%s\n%d\n%d", abs, info.Size(), info.ModTime().UnixNano())
	}
	id := uuid.NewSHA1(pidSpace, []byte(name)).String()
	if prefix = strings.TrimSuffix(prefix, "/"); prefix == "" {
		return id, nil
	}
	return prefix + "/" + id, nil
}
