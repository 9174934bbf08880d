package filewriter

import (
	"bytes"
	"encoding/binary"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"ingestor/schemas/filewriter/fbs"
)

func plainDone() WritingDone {
	return WritingDone{
		ServiceID: "filewriter-1", JobID: "job-1", FileName: "/ess/raw/coda/run_1.hdf",
		Metadata: "{}", Message: "File writing completed",
	}
}

func TestWritingDoneSurvivesEncodeAndDecode(t *testing.T) {
	failed := plainDone()
	failed.Failed, failed.Message = true, "disk full"
	for name, w := range map[string]WritingDone{
		"plain": plainDone(), "failed": failed, "empty": {},
		"unicode": {FileName: "/ess/dåta/中子 💡.nxs", JobID: "jöb"},
		"long":    {FileName: "/x", Message: strings.Repeat("m", 1<<16)},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := DecodeWritingDone(w.Encode())
			if err != nil {
				t.Fatal(err)
			}
			if got != w {
				t.Errorf("got %.200v, want %.200v", got, w)
			}
		})
	}
}

func TestDecodedTextsDoNotShareTheMessagesMemory(t *testing.T) {
	p := plainDone().Encode()
	got, err := DecodeWritingDone(p)
	if err != nil {
		t.Fatal(err)
	}
	for i := range p {
		p[i] = 'x'
	}
	if got != plainDone() {
		t.Errorf("result changed with the message: %v", got)
	}
}

func TestMalformedErrorNamesThePart(t *testing.T) {
	patch := func(change func(p []byte, table int)) []byte {
		p := plainDone().Encode()
		change(p, int(binary.LittleEndian.Uint32(p)))
		return p
	}
	slot := func(p []byte, table, field int) int {
		vtable := table - int(int32(binary.LittleEndian.Uint32(p[table:])))
		return vtable + vtableHeadSize + vtableEntrySize*field
	}
	fieldAt := func(p []byte, table, field int) int {
		return table + int(binary.LittleEndian.Uint16(p[slot(p, table, field):]))
	}
	textAt := func(p []byte, table, field int) int {
		at := fieldAt(p, table, field)
		return at + int(binary.LittleEndian.Uint32(p[at:]))
	}
	failed := plainDone()
	failed.Failed = true
	tests := map[string]struct {
		message []byte
		want    string
	}{
		"root inside the head": {patch(func(p []byte, _ int) { p[0] = 4 }), "root: "},
		"odd vtable":           {patch(func(p []byte, table int) { p[slot(p, table, -2)]++ }), "root: "},
		"table too large":      {patch(func(p []byte, table int) { p[slot(p, table, -1)+1] = 0xff }), "root: "},
		"field in table head":  {patch(func(p []byte, table int) { p[slot(p, table, doneJobID)] = 2 }), "job_id: "},
		"offset zero":          {patch(func(p []byte, table int) { p[fieldAt(p, table, doneMessage)] = 0 }), "message: "},
		"length one too long":  {patch(func(p []byte, table int) { p[textAt(p, table, doneFileName)]++ }), "file_name: "},
		"length one too short": {patch(func(p []byte, table int) { p[textAt(p, table, doneFileName)]-- }), "file_name: "},
		"not UTF-8":            {patch(func(p []byte, table int) { p[textAt(p, table, doneServiceID)+offsetSize] = 0xff }), "service_id: "},
		"flag of 2": {func() []byte {
			p := failed.Encode()
			p[fieldAt(p, int(binary.LittleEndian.Uint32(p)), doneErrorEncountered)] = 2
			return p
		}(), "error_encountered: "},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := DecodeWritingDone(tc.message)
			if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want a malformed one with %q", err, tc.want)
			}
			if got != (WritingDone{}) {
				t.Errorf("result %v beside an error", got)
			}
		})
	}
}

func TestSharedVTableBehindItsTableIsRead(t *testing.T) {
	// Head, then the table at 8, then its vtable, then one text.
	p := []byte{
		8, 0, 0, 0, 'w', 'r', 'd', 'n',
		0xf8, 0xff, 0xff, 0xff, // the vtable stands 8 bytes further on
		16, 0, 0, 0, // file_name: at 12 + 16
		12, 0, 8, 0, 0, 0, 0, 0, 0, 0, 4, 0,
		4, 0, 0, 0, '/', 'a', '/', 'b', 0,
	}
	w, err := DecodeWritingDone(p)
	if err != nil || w.FileName != "/a/b" {
		t.Errorf("got %v, %v", w, err)
	}
}

func TestCheckPath(t *testing.T) {
	tests := map[string]struct {
		path string
		ok   bool
	}{
		"absolute":              {"/x/y.hdf", true},
		"relative":              {"x/y.hdf", true},
		"dash further on":       {"./-d", true},
		"line break":            {"/x/a\nb", true},
		"longest":               {strings.Repeat("a", pathMax), true},
		"empty":                 {"", false},
		"NUL":                   {"/x/a\x00b", false},
		"dash":                  {"-", false},
		"flag":                  {"--help", false},
		"longer than any path":  {strings.Repeat("a", pathMax+1), false},
		"not UTF-8":             {"/x/\xff", false},
		"long with a NUL in it": {"\x00" + strings.Repeat("a", 1<<16), false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			err := WritingDone{FileName: tc.path}.CheckPath()
			if tc.ok != (err == nil) {
				t.Fatalf("error %v, want ok: %v", err, tc.ok)
			}
			if err != nil && (!errors.Is(err, ErrInvalidPath) || strings.Contains(err.Error(), "\n") || len(err.Error()) > 1200) {
				t.Errorf("not one short line of the right kind: %v", err)
			}
		})
	}
}

func TestIdentifier(t *testing.T) {
	for message, want := range map[string]string{
		"": "", "1234wrd": "", "1234wrdn": "wrdn", "1234ev44rest": "ev44", "1234a\x00bc": "", "1234a bc": "",
	} {
		if got := Identifier([]byte(message)); got != want {
			t.Errorf("Identifier(%q) = %q, want %q", message, got, want)
		}
	}
}

func FuzzDecodeWritingDone(f *testing.F) {
	for _, c := range messageCases(f) {
		if c.Bytes < 1<<12 {
			f.Add(readFile(f, filepath.Join(messagesFolder, c.File)))
		}
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		before := bytes.Clone(p)
		outcome, w := outcomeOf(t, p)
		if !bytes.Equal(before, p) {
			t.Fatal("decoding changes the message")
		}
		if outcome == "ignored" || outcome == "malformed" {
			if w != (WritingDone{}) {
				t.Fatalf("result %v of a message that is %s", w, outcome)
			}
			return
		}
		// What passes our checks is what FlatBuffers' own reader sees.
		own := fbs.GetRootAsFinishedWriting(p, 0)
		want := WritingDone{
			ServiceID: string(own.ServiceId()), JobID: string(own.JobId()), Failed: own.ErrorEncountered(),
			FileName: string(own.FileName()), Metadata: string(own.Metadata()), Message: string(own.Message()),
		}
		if w != want {
			t.Fatalf("decoded %v, FlatBuffers reads %v", w, want)
		}
		if again, err := DecodeWritingDone(w.Encode()); err != nil || again != w {
			t.Fatalf("second round gives %v, %v", again, err)
		}
	})
}

func BenchmarkDecodeWritingDone(b *testing.B) {
	for name, file := range map[string]string{"ours": "ok_plain.bin", "other": "other_ev44.bin", "malformed": "string_offset_far.bin"} {
		b.Run(name, func(b *testing.B) {
			p := readFile(b, filepath.Join(messagesFolder, file))
			b.ReportAllocs()
			for b.Loop() {
				_, _ = DecodeWritingDone(p)
			}
		})
	}
}

func TestDecodeAllocatesOnceForOursAndNeverForOthers(t *testing.T) {
	ours := readFile(t, filepath.Join(messagesFolder, "ok_plain.bin"))
	other := readFile(t, filepath.Join(messagesFolder, "other_ev44.bin"))
	if n := testing.AllocsPerRun(100, func() { _, _ = DecodeWritingDone(ours) }); n > 1 {
		t.Errorf("%v allocations for a wrdn message, want 1", n)
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = DecodeWritingDone(other) }); n > 0 {
		t.Errorf("%v allocations for another schema, want 0", n)
	}
}
