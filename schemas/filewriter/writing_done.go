package filewriter

import (
	"fmt"
	"strings"
	"unicode/utf8"

	flatbuffers "github.com/google/flatbuffers/go"

	"ingestor/schemas/filewriter/fbs"
)

// WritingDone is the message by which a file writer says that it has finished
// a file. A field that is absent in the message is empty here; any may be.
type WritingDone struct {
	// ServiceID names the file writer.
	ServiceID string
	// JobID is the job as the run control named it. It need not be unique.
	JobID string
	// Failed says that writing failed: the file is not to be ingested.
	Failed bool
	// FileName is the path of the file as the writer sees it. Check it with
	// CheckPath before it is used.
	FileName string
	// Metadata is JSON text, not checked to be so.
	Metadata string
	// Message is for people; when Failed it tells why.
	Message string
}

// The fields of table FinishedWriting, in the order of wrdn.fbs.
const (
	doneServiceID = iota
	doneJobID
	doneErrorEncountered
	doneFileName
	doneMetadata
	doneMessage
)

// pathMax is Linux's PATH_MAX without the closing NUL: no call opens a longer
// path.
const pathMax = 4095

// DecodeWritingDone reads a message value. The error is ErrOtherSchema where
// the identifier is not wrdn (also for an empty value), ErrMalformed where it
// is but the rest can not be read. The result does not share memory with p.
func DecodeWritingDone(p []byte) (w WritingDone, err error) {
	if !hasIdentifier(p, WritingDoneID) {
		return WritingDone{}, ErrOtherSchema
	}
	defer guard(&err)
	t := rootTable(p)
	texts := [...]span{
		t.text(doneServiceID, "service_id"),
		t.text(doneJobID, "job_id"),
		t.text(doneFileName, "file_name"),
		t.text(doneMetadata, "metadata"),
		t.text(doneMessage, "message"),
	}
	failed := t.flag(doneErrorEncountered, "error_encountered")
	if t.err != nil {
		return WritingDone{}, t.err
	}
	w.Failed = failed
	copyTexts(p, texts[:], &w.ServiceID, &w.JobID, &w.FileName, &w.Metadata, &w.Message)
	return w, nil
}

// CheckPath tells whether FileName can be handed to a program as the name of a
// file; if not, the error is ErrInvalidPath. Ask it only for a message that is
// not Failed: a writer that failed need not name a file. A relative path is
// fine here, as it is for the Python ingestor.
func (w WritingDone) CheckPath() error {
	switch {
	case w.FileName == "":
		return fmt.Errorf("%w: it is empty", ErrInvalidPath)
	case strings.ContainsRune(w.FileName, 0):
		return fmt.Errorf("%w: it holds a NUL byte: %q", ErrInvalidPath, excerpt(w.FileName))
	case w.FileName[0] == '-':
		return fmt.Errorf("%w: it begins with a dash and would be read as a flag: %q", ErrInvalidPath, excerpt(w.FileName))
	case len(w.FileName) > pathMax:
		return fmt.Errorf("%w: it has %d bytes, at most %d can be opened: %q", ErrInvalidPath, len(w.FileName), pathMax, excerpt(w.FileName))
	case !utf8.ValidString(w.FileName):
		return fmt.Errorf("%w: it is not UTF-8: %q", ErrInvalidPath, excerpt(w.FileName))
	}
	return nil
}

// excerpt keeps foreign text in an error to one readable line.
func excerpt(s string) string {
	const most = 200
	if len(s) <= most {
		return s
	}
	return s[:most] + "..."
}

// Encode is the message value. The texts that every reader wants are always
// written, an empty Metadata or Message is left out, as the writers do.
func (w WritingDone) Encode() []byte {
	const overhead = 128 // table, vtable, lengths and padding
	b := flatbuffers.NewBuilder(overhead + len(w.ServiceID) + len(w.JobID) + len(w.FileName) + len(w.Metadata) + len(w.Message))
	service, job, file := b.CreateString(w.ServiceID), b.CreateString(w.JobID), b.CreateString(w.FileName)
	metadata, message := optionalText(b, w.Metadata), optionalText(b, w.Message)
	fbs.FinishedWritingStart(b)
	fbs.FinishedWritingAddServiceId(b, service)
	fbs.FinishedWritingAddJobId(b, job)
	fbs.FinishedWritingAddErrorEncountered(b, w.Failed)
	fbs.FinishedWritingAddFileName(b, file)
	fbs.FinishedWritingAddMetadata(b, metadata)
	fbs.FinishedWritingAddMessage(b, message)
	b.FinishWithFileIdentifier(fbs.FinishedWritingEnd(b), []byte(WritingDoneID))
	return b.FinishedBytes()
}

// optionalText is 0, which leaves the field out, for an empty text.
func optionalText(b *flatbuffers.Builder, s string) flatbuffers.UOffsetT {
	if s == "" {
		return 0
	}
	return b.CreateString(s)
}
