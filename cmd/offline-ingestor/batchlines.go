package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf8"

	"ingestor/internal/fault"
	"ingestor/internal/outcome"
)

// What one batch takes: a worker keeps all names, so a parent that writes on and
// on does not fill its memory.
const (
	mostBatchFiles = 10_000
	longestName    = 64 << 10 // bytes of a line
)

// writeBatch is the standard input of a worker: a JSON string a line, and for a
// name that is no UTF-8, which JSON can not hold, its bytes in base64 in an object.
func writeBatch(files []string) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	for _, f := range files {
		var v any = f
		if !utf8.ValidString(f) {
			v = rawName{Raw: []byte(f)}
		}
		if err := e.Encode(v); err != nil {
			return nil, fmt.Errorf("hand over %q: %w", f, err)
		}
	}
	return b.Bytes(), nil
}

type rawName struct {
	Raw []byte `json:"raw"`
}

// readBatch reads what writeBatch wrote.
func readBatch(r io.Reader) ([]string, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, longestName)
	var files []string
	for n := 1; lines.Scan(); n++ {
		name, err := parseName(lines.Bytes())
		if err != nil {
			return nil, fault.Errorf(fault.Usage, "standard input, line %d: %w", n, err)
		}
		if len(files) == mostBatchFiles {
			return nil, fault.Errorf(fault.Usage, "standard input names more than %d files", mostBatchFiles)
		}
		files = append(files, name)
	}
	if err := lines.Err(); err != nil {
		return nil, fault.Errorf(fault.Usage, "standard input: %w", err)
	}
	return files, nil
}

func parseName(line []byte) (string, error) {
	var name string
	var raw rawName
	var err error
	if line = bytes.TrimSpace(line); bytes.HasPrefix(line, []byte("{")) {
		err = json.Unmarshal(line, &raw)
		name = string(raw.Raw)
	} else {
		err = json.Unmarshal(line, &name)
	}
	switch {
	case err != nil:
		return "", fmt.Errorf("not a JSON string: %w", err)
	case name == "":
		return "", fmt.Errorf("%q names no file", line)
	case bytes.IndexByte([]byte(name), 0) >= 0:
		return "", fmt.Errorf("a file can not be called %q", name)
	}
	return name, nil
}

// batchLine is what a worker tells besides the records of its files.
type batchLine struct {
	// Begin is the file that work begins on. A record is of the file that was
	// begun last: go by that, for a name that is no UTF-8 is another in it.
	Begin string
	// Stopped is why the batch ended before its last file, Exit the status.
	Stopped string
	Exit    int
	// Record is what became of a file; nil in other lines.
	Record *outcome.Record
}

type batchLineJSON struct {
	Version int    `json:"version"`
	Begin   string `json:"begin,omitempty"`
	Raw     []byte `json:"raw,omitempty"` // Begin, where that is no UTF-8
	Stopped string `json:"stopped,omitempty"`
	Exit    int    `json:"exit,omitempty"`
}

func (l batchLine) encode() ([]byte, error) {
	line := batchLineJSON{Version: 1, Begin: l.Begin, Stopped: l.Stopped, Exit: l.Exit}
	if !utf8.ValidString(l.Begin) {
		line.Raw = []byte(l.Begin)
	}
	text, err := json.Marshal(line)
	if err != nil {
		return nil, fmt.Errorf("encode result record: %w", err)
	}
	return text, nil
}

// parseBatchLine reads a line that a worker wrote on the result descriptor.
func parseBatchLine(line []byte) (batchLine, error) {
	var other batchLineJSON
	if err := json.Unmarshal(line, &other); err != nil {
		return batchLine{}, fmt.Errorf("decode result record: %w", err)
	}
	if len(other.Raw) > 0 {
		other.Begin = string(other.Raw)
	}
	if other.Begin != "" || other.Stopped != "" {
		return batchLine{Begin: other.Begin, Stopped: other.Stopped, Exit: other.Exit}, nil
	}
	r, err := outcome.Parse(line)
	if err != nil {
		return batchLine{}, err
	}
	return batchLine{Record: &r}, nil
}
