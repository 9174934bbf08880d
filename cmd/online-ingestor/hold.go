package main

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"
)

// holdFile in the state directory holds the intake for as long as it is there, over
// restarts too. Whatever is in it, also nothing at all: `touch operator-hold` will do.
const holdFile = "operator-hold"

// heldBy is what our own command writes into it.
type heldBy struct {
	Since  time.Time `json:"since"`
	Who    string    `json:"who"`
	Reason string    `json:"reason,omitempty"`
}

func (h heldBy) String() string {
	text := "held by " + h.Who + " since " + h.Since.Local().Format(time.DateTime)
	if h.Reason != "" {
		text += ": " + h.Reason
	}
	return text
}

// operatorHold tells, each time that it is called, whether a person holds the intake,
// and why. It is used by one goroutine.
func operatorHold(stateDirectory string) func() (bool, string) {
	if stateDirectory == "" {
		return func() (bool, string) { return false, "" }
	}
	path := filepath.Join(stateDirectory, holdFile)
	var seen os.FileInfo
	var why string
	return func() (bool, string) {
		switch info, err := os.Stat(path); {
		case errors.Is(err, fs.ErrNotExist):
			seen, why = nil, ""
		case err != nil:
			// A disk that fails neither holds nor releases.
		case seen == nil || !os.SameFile(seen, info) || info.ModTime() != seen.ModTime() || info.Size() != seen.Size():
			seen, why = info, whyHeld(path)
		}
		return seen != nil, why
	}
}

// holdLimit bounds what is read of the file and shown of a reason, in bytes.
const holdLimit = 1 << 10

// whyHeld is what the file says, in one line.
func whyHeld(path string) string {
	text, err := readSome(path)
	if err != nil {
		text = []byte(err.Error())
	}
	if why := reasonIn(text); why != "" {
		return why
	}
	return unsaid + path
}

const unsaid = "a person asked for it: "

// reasonIn is what text tells, written by our command or by hand; "" for nothing.
func reasonIn(text []byte) string {
	var h heldBy
	if json.Unmarshal(text, &h) == nil && h.Who != "" {
		return printable(h.String())
	}
	if said := printable(string(text)); said != "" {
		return unsaid + said
	}
	return ""
}

// readSome reads the beginning of a file that a person may have made.
func readSome(path string) (text []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, holdLimit))
}

// printable is text in one line, without what moves a cursor.
func printable(text string) string {
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "?"), func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) }), " ")
}
