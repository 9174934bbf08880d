package telemetry

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"
)

func TestIsJournal_ComparesTheFileItself(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "x"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if isJournal(f, "") || isJournal(f, "1:2") {
		t.Error("a file that is not the journal is taken for it")
	}
	if own := deviceAndInode(t, f); !isJournal(f, own) {
		t.Errorf("%s is not found", own)
	}
}

// journalled makes a logger whose standard error is the file returned, which is
// taken for the journal's stream.
func journalled(t *testing.T, o LogOptions) (log *logrus.Logger, stream string) {
	t.Helper()
	stream = filepath.Join(t.TempDir(), "stream")
	f, err := os.Create(stream)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("JOURNAL_STREAM", deviceAndInode(t, f))
	o.Stderr = f
	log, end, err := NewLogger(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(end(), f.Close()); err != nil {
			t.Error(err)
		}
	})
	return log, stream
}

// fieldsOf reads a record as the journal does.
func fieldsOf(t *testing.T, record []byte) map[string]string {
	t.Helper()
	all := map[string]string{}
	for len(record) > 0 {
		line, rest, ok := bytes.Cut(record, []byte("\n"))
		if !ok {
			t.Fatalf("no end of line in %q", record)
		}
		name, value, plain := strings.Cut(string(line), "=")
		if !plain {
			n := binary.LittleEndian.Uint64(rest)
			value, rest = string(rest[8:8+n]), rest[8+n:]
			if rest[0] != '\n' {
				t.Fatalf("%q after a value", rest)
			}
			rest = rest[1:]
		}
		all[name] = value
		record = rest
	}
	return all
}

func TestJournal_GetsTheFields(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "journal")
	conn := systemLog(t, socket)
	log, stream := journalled(t, LogOptions{Program: "p", JobID: "j", JournalSocket: socket})
	log.WithFields(logrus.Fields{"file": "/data/a.nxs", "error": errors.New("a\nb"), "priority": 7, "2nd": "x", "took time": 3}).Warn("went\nwrong")
	got := fieldsOf(t, packet(t, conn))
	for name, want := range map[string]string{
		"MESSAGE":  `WARNING went\nwrong 2nd=x error="a\nb" file=/data/a.nxs job_id=j priority=7 "took time"=3`,
		"PRIORITY": "4", "SYSLOG_IDENTIFIER": "p", "JOB_ID": "j", "FILE": "/data/a.nxs", "ERROR": "a\nb",
		"INGESTOR_PRIORITY": "7", "INGESTOR_2ND": "x", "TOOK_TIME": "3",
	} {
		if name == "MESSAGE" {
			want = strings.ReplaceAll(want, `"took time"`, "took time")
		}
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	if s := read(t, stream); s != "" {
		t.Errorf("the stream gets it too: %q", s)
	}
}

func TestJournal_ThatTakesNoFieldsGetsLines(t *testing.T) {
	for _, c := range []struct {
		name    string
		socket  func(t *testing.T) string
		message string
	}{
		{"no socket", func(t *testing.T) string { return filepath.Join(t.TempDir(), "none") }, "went wrong"},
		{"longer than a datagram", func(t *testing.T) string {
			path := filepath.Join(t.TempDir(), "journal")
			systemLog(t, path)
			return path
		}, strings.Repeat("x", 1<<20)},
	} {
		t.Run(c.name, func(t *testing.T) {
			log, stream := journalled(t, LogOptions{Prefix: "SFI", JournalSocket: c.socket(t)})
			log.WithField("n", 1).Error(c.message)
			if got := read(t, stream); got != "<3>ERROR "+c.message+" n=1\n" {
				t.Errorf("got %d bytes: %.100q", len(got), got)
			}
		})
	}
}

func TestJournal_NamesOfFields(t *testing.T) {
	for name, want := range map[string]string{
		"job_id": "JOB_ID", "Größe": "GR__E", "": "INGESTOR_", "_x": "INGESTOR__X", "message": "INGESTOR_MESSAGE",
		strings.Repeat("a", 100): strings.Repeat("A", journalNameMost),
	} {
		if got := journalName(name); got != want {
			t.Errorf("%q becomes %s, want %s", name, got, want)
		}
	}
}
