package filewriter

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const messagesFolder = "testdata/messages"

// messageCase is an entry of testdata/messages/index.json.
type messageCase struct {
	File    string         `json:"file"`
	Bytes   int            `json:"bytes"`
	Outcome string         `json:"outcome"`
	Accept  []string       `json:"accept"`
	Note    string         `json:"note"`
	Schema  string         `json:"schema"`
	Fields  map[string]any `json:"fields"`
}

func (c messageCase) accepted() []string {
	if len(c.Accept) > 0 {
		return c.Accept
	}
	return []string{c.Outcome}
}

func messageCases(t testing.TB) []messageCase {
	t.Helper()
	var index struct {
		Messages []messageCase `json:"messages"`
	}
	if err := json.Unmarshal(readFile(t, filepath.Join(messagesFolder, "index.json")), &index); err != nil {
		t.Fatal(err)
	}
	if len(index.Messages) == 0 {
		t.Fatal("index.json lists no messages")
	}
	return index.Messages
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	p, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// outcomeOf decides as the daemon does: identifier, structure, the writer's
// own error, path.
func outcomeOf(t testing.TB, p []byte) (string, WritingDone) {
	t.Helper()
	w, err := DecodeWritingDone(p)
	switch {
	case errors.Is(err, ErrOtherSchema):
		return "ignored", w
	case errors.Is(err, ErrMalformed):
		return "malformed", w
	case err != nil:
		t.Fatalf("error of an unknown kind: %v", err)
	case w.Failed:
		return "writer_failed", w
	}
	if err := w.CheckPath(); errors.Is(err, ErrInvalidPath) {
		return "invalid_path", w
	} else if err != nil {
		t.Fatalf("error of an unknown kind: %v", err)
	}
	return "ingest", w
}

// text is the wanted text of a field: null is empty, {"repeat","times"} is long.
func (c messageCase) text(t testing.TB, field string) string {
	t.Helper()
	switch v := c.Fields[field].(type) {
	case nil:
		return ""
	case string:
		return v
	case map[string]any:
		return strings.Repeat(v["repeat"].(string), int(v["times"].(float64)))
	default:
		t.Fatalf("%s: field %s is a %T", c.File, field, v)
		return ""
	}
}

func (c messageCase) want(t testing.TB) WritingDone {
	t.Helper()
	failed, _ := c.Fields["error_encountered"].(bool)
	return WritingDone{
		ServiceID: c.text(t, "service_id"), JobID: c.text(t, "job_id"), Failed: failed,
		FileName: c.text(t, "file_name"), Metadata: c.text(t, "metadata"), Message: c.text(t, "message"),
	}
}

func TestMessagesOfIndexHaveTheirOutcomeAndFields(t *testing.T) {
	for _, c := range messageCases(t) {
		t.Run(c.File, func(t *testing.T) {
			p := readFile(t, filepath.Join(messagesFolder, c.File))
			if len(p) != c.Bytes {
				t.Fatalf("file has %d bytes, index says %d", len(p), c.Bytes)
			}
			got, w := outcomeOf(t, p)
			if !slices.Contains(c.accepted(), got) {
				t.Fatalf("%s: outcome %s, want one of %v", c.Note, got, c.accepted())
			}
			if c.Fields != nil && w != c.want(t) {
				t.Errorf("decoded %.300v\nwant %.300v", w, c.want(t))
			}
			if c.Schema != "" && Identifier(p) != c.Schema {
				t.Errorf("identifier %q, want %q", Identifier(p), c.Schema)
			}
		})
	}
}

func TestEachMessageFileIsInTheIndex(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(messagesFolder, "*.bin"))
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, c := range messageCases(t) {
		listed = append(listed, filepath.Join(messagesFolder, c.File))
	}
	slices.Sort(listed)
	if !slices.Equal(files, listed) {
		t.Errorf("files  %v\nlisted %v", files, listed)
	}
}

func TestTombstoneIsIgnored(t *testing.T) {
	if got, _ := outcomeOf(t, nil); got != "ignored" {
		t.Errorf("outcome %s, want ignored", got)
	}
}

// The rule "truncation" of index.json.
func TestCutMessageIsIgnoredMalformedOrWhole(t *testing.T) {
	whole := readFile(t, filepath.Join(messagesFolder, "ok_plain.bin"))
	_, want := outcomeOf(t, whole)
	for n := range whole {
		got, w := outcomeOf(t, slices.Clone(whole[:n]))
		switch {
		case n < 8:
			if got != "ignored" {
				t.Errorf("%d bytes: %s, want ignored", n, got)
			}
		case got == "ingest":
			if w != want {
				t.Errorf("%d bytes: decoded %v, want %v", n, w, want)
			}
		case got != "malformed":
			t.Errorf("%d bytes: %s, want malformed or ingest", n, got)
		}
	}
}

func TestEachBitFlipHasAnOutcome(t *testing.T) {
	whole := readFile(t, filepath.Join(messagesFolder, "ok_plain.bin"))
	for i := range whole {
		for bit := range 8 {
			p := slices.Clone(whole)
			p[i] ^= 1 << bit
			got, w := outcomeOf(t, p)
			if got == "ingest" && !strings.Contains(string(p), w.FileName) {
				t.Errorf("byte %d bit %d: path %q is not in the message", i, bit, w.FileName)
			}
		}
	}
}

// The package's own copy of the messages is the shared one.
func TestMessagesEqualTheSharedOnes(t *testing.T) {
	shared := os.Getenv("INGESTOR_SHARED")
	if shared == "" {
		t.Skip("INGESTOR_SHARED is unset: no shared messages to compare with")
	}
	for _, c := range messageCases(t) {
		if string(readFile(t, filepath.Join(messagesFolder, c.File))) != string(readFile(t, filepath.Join(shared, "acceptance", "messages", c.File))) {
			t.Errorf("%s differs from the shared one", c.File)
		}
	}
}
