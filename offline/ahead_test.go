package offline

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestAhead_IsTheFilesChecksumUnlessTheFileHasChanged(t *testing.T) {
	const of = "ab" // its blake2b would do; what counts is that two texts differ
	for _, c := range []struct {
		name   string
		change func(path string) error
		taken  bool
	}{
		{"an unchanged file", func(string) error { return nil }, true},
		{"one that grew", func(p string) error { return os.WriteFile(p, []byte("abc"), 0o600) }, false},
		{"one of the same size that was written anew", func(p string) error {
			later := time.Now().Add(time.Hour)
			return os.Chtimes(p, later, later)
		}, false},
		{"one that is gone", os.Remove, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := &Ingestor{opt: Options{Files: FileOptions{Hash: true, Algorithm: "sha256"}}, ahead: &aheads{}}
			path := filepath.Join(t.TempDir(), "f")
			if err := os.WriteFile(path, []byte(of), 0o600); err != nil {
				t.Fatal(err)
			}
			g.Ahead(t.Context(), path)
			if err := c.change(path); err != nil {
				t.Fatal(err)
			}
			want := ""
			if c.taken {
				var err error
				if want, err = hashFile(t.Context(), path, "sha256", nil); err != nil {
					t.Fatal(err)
				}
			}
			if got := g.begun(t.Context(), path); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if got := g.begun(t.Context(), path); got != "" {
				t.Errorf("it is taken twice: %q", got)
			}
		})
	}
}

func TestAhead_ALostOneIsNoChecksum(t *testing.T) {
	g := &Ingestor{opt: Options{Files: FileOptions{Hash: true, Algorithm: "sha256"}}, ahead: &aheads{}}
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, make([]byte, 8<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	g.Ahead(ctx, path)
	if got := g.begun(t.Context(), path); got != "" {
		t.Errorf("a checksum that was called off counts: %q", got)
	}
	g.Ahead(t.Context(), filepath.Join(t.TempDir(), "absent"))
	if got := g.begun(t.Context(), filepath.Join(t.TempDir(), "absent")); got != "" {
		t.Errorf("an absent file has the checksum %q", got)
	}
}
