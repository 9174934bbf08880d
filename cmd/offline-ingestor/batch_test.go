package main

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"ingestor/internal/fault"
	"ingestor/internal/outcome"
	"ingestor/scicat/scicattest"
)

// runs writes data files of different jobs.
func (b *bench) runs(n int) []string {
	b.t.Helper()
	content, err := dataFile()
	if err != nil {
		b.t.Fatal(err)
	}
	files := make([]string, n)
	for i := range files {
		name := fmt.Sprintf("raw/run_%03d.hdf", i)
		b.write(name, bytes.ReplaceAll(content, []byte(testJob), fmt.Appendf(nil, "%s%012d", testJob[:24], i)))
		files[i] = b.path(name)
	}
	return files
}

// batch runs the worker on files; the lines that it tells come on stdout.
func (b *bench) batch(files []string, args ...string) (ended, []batchLine) {
	b.t.Helper()
	input, err := writeBatch(files)
	if err != nil {
		b.t.Fatal(err)
	}
	c := b.command(append([]string{"batch", "-c", "config.yml"}, args...)...)
	c.Stdin = bytes.NewReader(input)
	e := b.end(c)
	var lines []batchLine
	for line := range strings.Lines(e.stdout) {
		l, err := parseBatchLine([]byte(line))
		if err != nil {
			b.t.Errorf("%q: %v", line, err)
		}
		lines = append(lines, l)
	}
	return e, lines
}

func TestBatch_TellsOfEachFile(t *testing.T) {
	b := newBench(t)
	files := b.runs(3)
	b.write("raw/run_bad.hdf", []byte("no HDF5"))
	latin := b.path("raw/run_\xe4.hdf") // no UTF-8
	b.write("raw/run_\xe4.hdf", []byte("no HDF5"))
	given := []string{files[0], b.path("raw/run_bad.hdf"), files[1], latin, files[2]}
	e, lines := b.batch(given)
	if e.exit != 0 {
		t.Errorf("exit %d: %s", e.exit, e.stderr)
	}
	outcomes, last := map[string]outcome.Outcome{}, ""
	for _, l := range lines {
		switch {
		case l.Begin != "":
			last = l.Begin
		case l.Record == nil:
			t.Errorf("stopped: %+v", l)
		default:
			if l.Record.File != strings.ToValidUTF8(last, "\ufffd") {
				t.Errorf("the record of %q follows the begin of %q", l.Record.File, last)
			}
			outcomes[last] = l.Record.Outcome
			if bad := l.Record.Outcome == ""; bad != (l.Record.Exit == 65) || bad != (l.Record.Error != "") {
				t.Errorf("%+v", l.Record)
			}
		}
	}
	if _, there := outcomes[latin]; !there || len(outcomes) != 5 || outcomes[files[0]] != outcome.Registered || outcomes[files[2]] != outcome.Registered {
		t.Errorf("outcomes %v", outcomes)
	}
	if strings.Contains(e.stderr, "no such file") {
		t.Errorf("a name that is no UTF-8 is not found: %s", e.stderr)
	}
	b.wantStored(3, 3)
	if e, _ := b.batch(files); e.exit != 0 {
		t.Errorf("once more: exit %d: %s", e.exit, e.stderr)
	}
	b.wantStored(3, 3)
}

func TestBatch_WhatConcernsAllIsItsStatus(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(*bench)
		exit    int
		begun   bool
	}{
		"the catalogue is away": {func(b *bench) {
			if err := b.server.AddFault(scicattest.Fault{Status: 503}); err != nil {
				b.t.Fatal(err)
			}
		}, 69, true},
		"the token is rejected":           {func(b *bench) { b.token = secret }, 77, true},
		"a schema can not be read":        {func(b *bench) { b.write("schemas/bad.imsc.yml", []byte("{")) }, 78, false},
		"there is no folder of schemas":   {func(b *bench) { b.configure("schemas_directory: schemas", "schemas_directory: none") }, 78, false},
		"the configuration is not usable": {func(b *bench) { b.config = "scicat: {host: 7}\n" }, 78, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			files := b.runs(2)
			c.prepare(b)
			e, lines := b.batch(files)
			if e.exit != c.exit || e.stderr == "" {
				t.Errorf("exit %d, want %d: %s", e.exit, c.exit, e.stderr)
			}
			stopped := slices.IndexFunc(lines, func(l batchLine) bool { return l.Stopped != "" })
			if c.begun != (len(lines) > 1) || stopped < 0 || stopped != len(lines)-1 || lines[stopped].Exit != c.exit {
				t.Errorf("lines %+v", lines)
			}
			for _, l := range lines {
				if l.Record != nil {
					t.Errorf("a record of what is not done: %+v", l.Record)
				}
			}
			b.wantStored(0, 0)
		})
	}
}

func TestBatch_IsNotShown(t *testing.T) {
	b := newBench(t)
	if e := b.run("--help"); strings.Contains(e.stdout, "batch") {
		t.Errorf("help: %s", e.stdout)
	}
	c := b.command("batch", "-c", "config.yml")
	c.Stdin = strings.NewReader("/a/file\n")
	if e := b.end(c); e.exit != 2 || !strings.Contains(e.stderr, "line 1") {
		t.Errorf("exit %d: %s", e.exit, e.stderr)
	}
}

func TestReadBatch_TakesWhatWriteBatchWrites(t *testing.T) {
	files := []string{"/a/b.hdf", "/ä/\n\t\"\\<>&.hdf", "/\xff\xfe", "/" + strings.Repeat("\xff", 4095), "{", " ", "\u2028"}
	text, err := writeBatch(files)
	if err != nil || bytes.Count(text, []byte("\n")) != len(files) {
		t.Fatalf("%q, %v", text, err)
	}
	if got, err := readBatch(bytes.NewReader(text)); err != nil || !reflect.DeepEqual(got, files) {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := readBatch(strings.NewReader("")); err != nil || len(got) != 0 {
		t.Errorf("nothing: %q, %v", got, err)
	}
}

func TestReadBatch_RefusesWhatNamesNoFile(t *testing.T) {
	for _, text := range []string{
		"/a\n", "\"\"\n", "\n", "null\n", "7\n", "[\"/a\"]\n", "{}\n", "{\"raw\":\"\"}\n", "{\"raw\":\"%\"}\n", "\"a\\u0000b\"\n",
		"\"/a\" \"/b\"\n", "\"" + strings.Repeat("x", longestName) + "\"\n", strings.Repeat("\"/a\"\n", mostBatchFiles+1),
	} {
		files, err := readBatch(strings.NewReader("\"/first\"\n" + text))
		if err == nil || files != nil || fault.KindOf(err) != fault.Usage {
			t.Errorf("%.40q is read as %.80q, %v", text, files, err)
		}
	}
}

// FuzzReadBatch: what is read names files, and comes back as it was when written.
func FuzzReadBatch(f *testing.F) {
	for _, files := range [][]string{{"/a", "/b c"}, {"/\xff"}, {"/\n\x01ä"}} {
		text, err := writeBatch(files)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"raw":"AA=="}`))
	f.Add([]byte("\"\\ud800\"\r\n\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		files, err := readBatch(bytes.NewReader(text))
		if err != nil {
			if fault.KindOf(err) != fault.Usage || files != nil {
				t.Errorf("%q, %v", files, err)
			}
			return
		}
		for _, name := range files {
			if name == "" || strings.Contains(name, "\x00") {
				t.Errorf("%q is no name", name)
			}
		}
		written, err := writeBatch(files)
		if err != nil || !utf8.Valid(written) {
			t.Fatal(err)
		}
		if again, err := readBatch(bytes.NewReader(written)); err != nil || !slices.Equal(again, files) {
			t.Errorf("%q, %v, want %q", again, err, files)
		}
	})
}

// FuzzParseBatchLine: a line is one thing.
func FuzzParseBatchLine(f *testing.F) {
	for _, l := range []batchLine{{Begin: "/a"}, {Stopped: "why", Exit: 69}} {
		text, err := l.encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"version":1,"outcome":"registered","file":"/a","seconds":0.1,"exit":0}`))
	f.Add([]byte(`{"version":1}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		l, err := parseBatchLine(line)
		if err != nil {
			return
		}
		if (l.Begin != "" || l.Stopped != "") == (l.Record != nil) {
			t.Errorf("%+v", l)
		}
	})
}
