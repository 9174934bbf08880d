package realkafka

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// version is the release that pom.xml asks for; it names the cache folder, so
// that another release does not mix with this one.
const version = "3.9.1"

// CacheVariable is the environment variable that moves the cache folder away
// from the user's (os.UserCacheDir).
const CacheVariable = "INGESTOR_CACHE"

//go:embed pom.xml
var pom []byte

// Fetch makes sure that the jars are there and returns their folder. The first
// call takes up to a minute, later ones no time. It may run in several
// processes at once.
func Fetch(ctx context.Context) (string, error) {
	cache, err := cacheFolder()
	if err != nil {
		return "", err
	}
	libs := filepath.Join(cache, "libs")
	if _, err := os.Stat(libs); err == nil {
		return libs, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", fmt.Errorf("real kafka: %w", err)
	}
	// Fetched beside and renamed: a run that is broken off leaves nothing that
	// looks complete.
	work, err := os.MkdirTemp(cache, "fetch-")
	if err != nil {
		return "", fmt.Errorf("real kafka: %w", err)
	}
	defer os.RemoveAll(work) //nolint:errcheck // a left-over folder harms nothing
	if err := os.WriteFile(filepath.Join(work, "pom.xml"), pom, 0o644); err != nil {
		return "", fmt.Errorf("real kafka: %w", err)
	}
	cmd := exec.CommandContext(ctx, "mvn", "-q", "-B", "dependency:copy-dependencies",
		"-DincludeScope=runtime", "-DoutputDirectory=libs")
	cmd.Dir = work
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("real kafka: mvn can not fetch Apache Kafka %s: %w\n%s", version, err, tail(out))
	}
	err = os.Rename(filepath.Join(work, "libs"), libs)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("real kafka: %w", err)
	}
	return libs, nil
}

func cacheFolder() (string, error) {
	base := os.Getenv(CacheVariable)
	if base == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("real kafka: no cache folder (set %s): %w", CacheVariable, err)
		}
		base = filepath.Join(user, "ingestor")
	}
	return filepath.Join(base, "kafka-"+version), nil
}

// tail is the end of a program's output, where it says what went wrong.
func tail(out []byte) []byte {
	const most = 2000
	if len(out) > most {
		out = out[len(out)-most:]
	}
	return out
}
