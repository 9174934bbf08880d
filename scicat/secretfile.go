package scicat

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// SecretFile is a file that holds one secret and may be replaced while the
// program runs. A file that is away, empty or unreadable, as in the midst of a
// rotation, leaves the secret that was read last. It is safe for concurrent use.
type SecretFile struct {
	path string

	mu     sync.Mutex
	value  string
	looked time.Time
	seen   os.FileInfo
	err    error
}

// NewSecretFile makes one; first is what its reader found in it already.
func NewSecretFile(path, first string) *SecretFile {
	return &SecretFile{path: path, value: first}
}

const (
	// lookEvery is how often at most a file is looked at. Shares are slow.
	lookEvery     = time.Second
	longestSecret = 1 << 20
)

// Value is the secret. The file is read when it has changed, and looked at about
// once a second at most.
func (f *SecretFile) Value() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now := time.Now(); f.looked.IsZero() || now.Sub(f.looked) >= lookEvery {
		f.looked = now
		f.look()
	}
	return f.value
}

// Reread is Value of what the file holds right now.
func (f *SecretFile) Reread() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.looked, f.seen = time.Now(), nil
	f.look()
	return f.value
}

// Path is where it is.
func (f *SecretFile) Path() string { return f.path }

// Err is why the file could not be read last time; nil when it could.
func (f *SecretFile) Err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

func (f *SecretFile) look() {
	info, err := os.Stat(f.path)
	if err == nil && f.seen != nil && os.SameFile(info, f.seen) && info.Size() == f.seen.Size() && info.ModTime().Equal(f.seen.ModTime()) {
		return
	}
	var text string
	if err == nil {
		text, err = readSecret(f.path)
	}
	if f.err = err; err != nil {
		f.seen = nil
		return
	}
	f.value, f.seen = text, info
}

func readSecret(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, longestSecret+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("read %s: %w", path, err)
	case len(data) > longestSecret:
		return "", fmt.Errorf("read %s: more than %d MiB", path, longestSecret>>20)
	}
	text := strings.TrimRight(string(data), "\r\n")
	if strings.TrimSpace(text) == "" {
		return "", errors.New(path + " is empty")
	}
	return text, nil
}
