package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"ingestor/cmd/internal/program"
)

var updateDumps = flag.Bool("update-dump", false, "rewrite the golden files of the command dump")

// dumpOf is the peer's dump of a recorded scan.
func dumpOf(vector string) string {
	return filepath.Join("..", "..", "forwarder", "testdata", "vectors", vector, "dump.cbors")
}

// runCommand runs a helping command as main does.
func runCommand(t *testing.T, c *cobra.Command, stdin []byte, args ...string) (exit int, stdout, stderr string) {
	t.Helper()
	root := &cobra.Command{Use: name, SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(c)
	var out, bad bytes.Buffer
	root.SetArgs(append([]string{c.Name()}, args...))
	root.SetIn(bytes.NewReader(stdin))
	root.SetOut(&out)
	root.SetErr(&bad)
	exit = program.Execute(t.Context(), root, &bad)
	return exit, out.String(), bad.String()
}

func wantGolden(t *testing.T, file, got string) {
	t.Helper()
	path := filepath.Join("testdata", "dump", file)
	if *updateDumps {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || got != string(want) {
		t.Errorf("%s: %v\ngot:\n%s\nwant:\n%s", path, err, got, want)
	}
}

func TestDump_Listings(t *testing.T) {
	for name, args := range map[string][]string{
		"stins.txt":            {dumpOf("stins")},
		"contrast.txt":         {dumpOf("contrast")},
		"lecroy.txt":           {dumpOf("lecroy_sequential")},
		"multi.txt":            {"--events", "7-", dumpOf("multi_stream")},
		"multi_one_stream.txt": {"--stream", "pcap", "--events", "-1", dumpOf("multi_stream")},
		"two_files.txt":        {"--events", "0", dumpOf("albaem"), dumpOf("pcap_tcp")},
		"nothing.txt":          {"--stream", "none", dumpOf("stins")},
		"xspress3.json":        {"--json", "--events", "0-2", dumpOf("xspress3")},
		"pcap_zmq.json":        {"--json", dumpOf("pcap_zmq")},
	} {
		t.Run(name, func(t *testing.T) {
			exit, out, bad := runCommand(t, newDumpCommand(), nil, args...)
			if exit != 0 || bad != "" {
				t.Fatalf("exit %d: %s", exit, bad)
			}
			wantGolden(t, name, strings.ReplaceAll(out, filepath.Join("..", "..", "forwarder", "testdata"), "TESTDATA"))
		})
	}
}

// TestDump_APipeIsListedLikeAFile, compressed or not.
func TestDump_APipeIsListedLikeAFile(t *testing.T) {
	b, err := os.ReadFile(dumpOf("eiger_legacy"))
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "x.cbors.gz")
	if err := os.WriteFile(file, packed.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	_, want, _ := runCommand(t, newDumpCommand(), nil, dumpOf("eiger_legacy"))
	for name, c := range map[string]struct {
		stdin []byte
		file  string
	}{"a pipe": {b, "-"}, "a compressed pipe": {packed.Bytes(), "-"}, "a compressed file": {nil, file}} {
		if exit, got, bad := runCommand(t, newDumpCommand(), c.stdin, c.file); exit != 0 || got != want || want == "" {
			t.Errorf("%s: exit %d, %s\ngot:\n%s\nwant:\n%s", name, exit, bad, got, want)
		}
	}
}

// TestDump_BrokenFiles: what is whole is listed, then one line says what is wrong.
func TestDump_BrokenFiles(t *testing.T) {
	whole, err := os.ReadFile(dumpOf("stins"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "x.cbors")
	for _, c := range []struct {
		name   string
		file   []byte
		events int
		say    string
	}{
		{"cut off", whole[:len(whole)-1], 7, "record 7, which begins at byte 1836, is cut off: only 97 bytes of it are there"},
		{"cut off in the first", whole[:9], 0, "record 0, which begins at byte 0, is cut off"},
		{"no dump behind it", append(bytes.Clone(whole), "hello"...), 8, "record 8 is not one of a dump: at byte 1934"},
		{"no dump", []byte("hello"), 0, "record 0 is not one of a dump: at byte 0"},
		{"not there", nil, -1, "no such file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := os.RemoveAll(file); err != nil {
				t.Fatal(err)
			}
			if c.file != nil {
				if err := os.WriteFile(file, c.file, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			exit, out, bad := runCommand(t, newDumpCommand(), nil, file)
			if exit != 65 || strings.Count(bad, "\n") != 1 || !strings.Contains(bad, c.say) || !strings.Contains(bad, file) {
				t.Errorf("exit %d: %q, want %q", exit, bad, c.say)
			}
			if lines := strings.Count(out, "\n"); lines != c.events+1 {
				t.Errorf("%d lines, want %d and the summary:\n%s", lines, c.events, out)
			}
			// One more file is listed all the same.
			if exit, out, _ := runCommand(t, newDumpCommand(), nil, file, dumpOf("albaem")); exit != 65 || !strings.Contains(out, "6 events") {
				t.Errorf("exit %d:\n%s", exit, out)
			}
		})
	}
}

func TestDump_JSONSaysWhetherTheFileIsWhole(t *testing.T) {
	whole, err := os.ReadFile(dumpOf("stins"))
	if err != nil {
		t.Fatal(err)
	}
	for cut, want := range map[int]bool{0: true, 1: false} {
		_, out, _ := runCommand(t, newDumpCommand(), whole[:len(whole)-cut], "--json", "-")
		lines := strings.Split(strings.TrimSpace(out), "\n")
		var last struct{ Summary dumpSummary }
		if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil {
			t.Fatal(err)
		}
		if s := last.Summary; s.Whole != want || s.Events != 8-cut || len(lines) != s.Events+1 {
			t.Errorf("%d bytes cut: %+v", cut, s)
		}
	}
}

// TestDump_Extract gives the frame and nothing else.
func TestDump_Extract(t *testing.T) {
	for _, c := range []struct {
		frame, want, say string
		exit             int
	}{
		{frame: "0/stins/1", want: `{"note": "second part is meta data", "x": 1.5}`},
		{frame: "8/stins/0", want: `{"htype": "series_end", "msg_number": 8}`},
		{frame: "3/stins/0", exit: 65, say: "there is no frame 3/stins/0"},
		{frame: "8/stins/1", exit: 65, say: "there is no frame 8/stins/1"},
		{frame: "8/other/0", exit: 65, say: "there is no frame 8/other/0"},
		{frame: "8", exit: 2, say: "it looks like 3/eiger/1"},
		{frame: "8/s", exit: 2, say: "it looks like 3/eiger/1"},
		{frame: "-1/s/0", exit: 2, say: "it looks like 3/eiger/1"},
	} {
		exit, out, bad := runCommand(t, newDumpCommand(), nil, "--extract", c.frame, dumpOf("stins"))
		if exit != c.exit || !strings.Contains(bad, c.say) || c.exit == 0 && out != c.want || c.exit != 0 && out != "" {
			t.Errorf("%s: exit %d, %q, %q", c.frame, exit, out, bad)
		}
	}
	var f frameName
	if err := f.Set("3/a/b/4"); err != nil || f.stream != "a/b" || f.String() != "3/a/b/4" {
		t.Errorf("%+v, %v", f, err)
	}
}

// TestDump_OfWhatATerminalWouldObey shows escapes.
func TestDump_OfWhatATerminalWouldObey(t *testing.T) {
	for in, want := range map[string]string{
		"{\"a\": \"\u00e9\n\"}": `{"a": "\u00e9\n"}`, "\x1b[2J": "", "\xff\xfe": "", "a\tb": `a\tb`, "": "",
	} {
		s := outlineOf(in, int64(len(in)))
		if got := headerText(s); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	if got := headerText(outlineOf("ab\xc3", 4)); got != "ab..." {
		t.Errorf("cut in a character: %q", got)
	}
}

func TestEventRange(t *testing.T) {
	for in, want := range map[string]string{"3": "3-3", "3-": "3-", "-7": "0-7", "3-7": "3-7", "-": "!", "": "!", "7-3": "!", "a": "!", "1-b": "!", "1-2-3": "!"} {
		var e eventRange
		err := e.Set(in)
		got := e.String()
		if err != nil {
			got = "!"
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
	e := eventRange{}
	if !e.has(5) || e.String() != "" {
		t.Error("no range does not hold everything")
	}
	if err := e.Set("3-7"); err != nil || e.has(2) || !e.has(3) || !e.has(7) || e.has(8) {
		t.Error("3-7 does not hold 3 to 7")
	}
}

// TestDump_AReaderThatHasSeenEnoughIsNoFailure, as head is one.
func TestDump_AReaderThatHasSeenEnoughIsNoFailure(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(read.Close()); err != nil {
		t.Fatal(err)
	}
	defer write.Close()
	for _, args := range [][]string{{dumpOf("stins")}, {"--extract", "0/stins/0", dumpOf("stins")}} {
		c := newDumpCommand()
		c.SetArgs(args)
		c.SetOut(write)
		var bad bytes.Buffer
		if exit := program.Execute(t.Context(), c, &bad); exit != 0 || bad.Len() > 0 {
			t.Errorf("exit %d: %s", exit, &bad)
		}
	}
}

func TestDump_NeedsAFile(t *testing.T) {
	for _, c := range []*cobra.Command{newDumpCommand(), newReplayCommand()} {
		if exit, _, bad := runCommand(t, c, nil); exit != 2 || !strings.Contains(bad, fmt.Sprintf("%s needs a .cbors file", c.Name())) {
			t.Errorf("exit %d: %s", exit, bad)
		}
	}
}
