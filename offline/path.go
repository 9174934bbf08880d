package offline

import (
	"path/filepath"
	"strings"
)

// listedPath is the path under which a file is listed: relative to the source
// folder. A file outside it keeps its path, and ok is false (D1).
func listedPath(path, sourceFolder string) (listed string, ok bool) {
	if sourceFolder == "" {
		return path, false
	}
	rel, err := filepath.Rel(sourceFolder, path)
	if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		return path, false
	}
	return rel, true
}
