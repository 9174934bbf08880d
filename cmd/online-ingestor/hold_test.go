package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"ingestor/cmd/internal/program"
)

// does runs one of the commands as the program would.
func does(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	root := program.Command(&cobra.Command{Use: name})
	root.AddCommand(newHold(), newResume())
	var out, errs bytes.Buffer
	root.SetOut(&out)
	root.SetArgs(args)
	status = program.Execute(context.Background(), root, &errs)
	return status, out.String(), errs.String()
}

func TestHold_AndResume(t *testing.T) {
	dir := t.TempDir()
	flag := "--ingestion.state-directory=" + dir
	held := operatorHold(dir)
	if on, why := held(); on || why != "" {
		t.Errorf("held before anybody asked: %s", why)
	}
	t.Setenv("SUDO_USER", "ada")
	status, out, errs := does(t, "hold", flag, "storage", "maintenance\nuntil noon")
	if status != 0 || errs != "" || !strings.HasPrefix(out, "The intake is held: "+dir) {
		t.Errorf("%d %s%s", status, out, errs)
	}
	on, why := held()
	if !on || !strings.HasPrefix(why, "held by ada since ") || !strings.HasSuffix(why, ": storage maintenance until noon") {
		t.Errorf("%v %q", on, why)
	}
	// So does one that starts now.
	if on, why := operatorHold(dir)(); !on || !strings.Contains(why, "ada") {
		t.Errorf("not after a restart: %v %q", on, why)
	}
	if status, out, _ := does(t, "hold", flag, "other"); status != 0 || !strings.HasPrefix(out, "Nothing changed: held by ada") {
		t.Errorf("%d %s", status, out)
	}
	if status, out, errs := does(t, "resume", flag); status != 0 || !strings.HasPrefix(out, "The intake goes on; it was held by ada") {
		t.Errorf("%d %s%s", status, out, errs)
	}
	if on, why := held(); on || why != "" {
		t.Errorf("still held: %s", why)
	}
	if status, out, _ := does(t, "resume", flag); status != 0 || !strings.HasPrefix(out, "Nothing changed: nobody holds") {
		t.Errorf("%d %s", status, out)
	}
}

func TestHold_ByAFileMadeByHand(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "a person asked for it: /"},
		{"words", "  tape robot\n\tbroken\n", "a person asked for it: tape robot broken"},
		{"something else", `{"a": 1}`, `a person asked for it: {"a": 1}`},
		{"bytes", "\xff\x00x", "a person asked for it: ? x"},
		{"what moves a cursor", `{"who": "ada\u001b[2J", "reason": "x\r\u2028y"}`, "held by ada [2J since "},
		{"large", strings.Repeat("x", 1<<20), "a person asked for it: xxx"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, holdFile), []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			on, why := operatorHold(dir)()
			if !on || !strings.HasPrefix(why, c.want) || strings.ContainsFunc(why, func(r rune) bool { return !unicode.IsGraphic(r) }) || len(why) > 2*holdLimit {
				t.Errorf("%v %.200q", on, why)
			}
		})
	}
}

func TestHold_OfWhatCannotBeReadHolds(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, holdFile), 0o755); err != nil { // no file, but there
		t.Fatal(err)
	}
	if on, why := operatorHold(dir)(); !on || why == "" {
		t.Errorf("%v %q", on, why)
	}
}

// Neither held nor released while nothing is known: a disk that fails.
func TestHold_StaysWhileTheDiskFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	held := operatorHold(dir)
	if _, err := hold(dir, "", time.Now()); err != nil {
		t.Fatal(err)
	}
	held()
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("state", dir); err != nil { // a loop: asking is an error
		t.Fatal(err)
	}
	if on, _ := held(); !on {
		t.Error("released")
	}
	if on, _ := operatorHold(dir)(); on {
		t.Error("held")
	}
}

func TestHold_WithoutStateDirectory(t *testing.T) {
	if on, _ := operatorHold("")(); on {
		t.Error("held")
	}
	for _, command := range []string{"hold", "resume"} {
		status, _, errs := does(t, command, "--ingestion.state-directory="+filepath.Join(t.TempDir(), "none"))
		if status != 78 || !strings.Contains(errs, "none is not there, so no daemon uses it") {
			t.Errorf("%s: %d %s", command, status, errs)
		}
	}
	if status, _, errs := does(t, "resume", "now"); status != 2 || !strings.Contains(errs, `"now"`) {
		t.Errorf("%d %s", status, errs)
	}
}

func TestHold_WithoutRight(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may do everything")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	if status, _, errs := does(t, "hold", "--ingestion.state-directory="+dir); status != 77 || !strings.Contains(errs, "as root") {
		t.Errorf("%d %s", status, errs)
	}
}
