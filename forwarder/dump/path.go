package dump

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"

	"ingestor/internal/fault"
)

// PrefixParameter is the name of the parameter that asks for dumps.
const PrefixParameter = "dump_prefix"

// Path is where the dump of a mapping goes: the fixed path, else what the bytes
// of the parameter dump_prefix (a plain text, taken as it is) begin; "" when
// there is neither and nothing is to be dumped. It is asked for at each
// mapping's start: the parameter may have changed.
func Path(fixed string, prefix []byte, ingester string, mapping uuid.UUID) (string, error) {
	switch {
	case fixed != "":
		return fixed, nil
	case len(prefix) == 0:
		return "", nil
	case !utf8.Valid(prefix) || strings.ContainsRune(string(prefix), 0):
		return "", fmt.Errorf("parameter %s is %.64q, which is no path: set it again, or to nothing for no dumps", PrefixParameter, prefix)
	}
	return fmt.Sprintf("%s%s-%s.cbors", prefix, ingester, mapping), nil
}

// Check says whether a dump could be written to path, and leaves nothing behind.
// Its error is one of the configuration. It cannot know whether there will be
// room.
func Check(path string) error {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		err = errors.New("it is a directory")
	case err == nil:
		err = unix.Access(path, unix.W_OK)
	case errors.Is(err, os.ErrNotExist):
		if err = unix.Access(filepath.Dir(path), unix.W_OK|unix.X_OK); err != nil {
			err = fmt.Errorf("directory %s: %w", filepath.Dir(path), err)
		}
	}
	if err != nil {
		return fault.Errorf(fault.BadConfiguration, "no dump can be written to %s: %w", path, err)
	}
	return nil
}
