package scicat

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// replaceFile puts a file in the place of another, as those do who mean it well.
func replaceFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func TestSecretFile_FollowsItsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	replaceFile(t, path, "one\n")
	synctest.Test(t, func(t *testing.T) {
		f := NewSecretFile(path, "zero")
		is := func(step, want string, broken bool) {
			t.Helper()
			if got := f.Value(); got != want || (f.Err() != nil) != broken {
				t.Errorf("%s: %q %v, want %q", step, got, f.Err(), want)
			}
		}
		is("at first", "one", false)
		replaceFile(t, path, "two\r\n")
		is("within the second", "one", false)
		time.Sleep(time.Second)
		is("after it", "two", false)

		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		is("away", "two", true)
		replaceFile(t, path, "\n")
		time.Sleep(time.Second)
		is("empty", "two", true)
		replaceFile(t, path, strings.Repeat("x", longestSecret+1))
		time.Sleep(time.Second)
		is("too long", "two", true)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		is("a folder", "two", true)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		replaceFile(t, path, "three")
		if got := f.Reread(); got != "three" || f.Err() != nil {
			t.Errorf("at once: %q %v", got, f.Err())
		}
		is("then", "three", false)
	})
}

func TestTokenFile_HasAnotherTokenOnceItIsThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	replaceFile(t, path, "  one \n")
	s := TokenFile(NewSecretFile(path, "one"))
	if got, err := s.Token(t.Context()); err != nil || got != "one" {
		t.Errorf("%q %v", got, err)
	}
	if another, err := s.Renew(t.Context(), "one"); err != nil || another {
		t.Errorf("%v %v", another, err)
	}
	replaceFile(t, path, "two\n") // within the second in which it is not looked at
	if another, err := s.Renew(t.Context(), "one"); err != nil || !another {
		t.Errorf("%v %v", another, err)
	}
	if got, err := s.Token(t.Context()); err != nil || got != "two" {
		t.Errorf("%q %v", got, err)
	}
}
