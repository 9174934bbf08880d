package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"

	"ingestor/internal/ledger"
)

// deadPrinter writes dead-lettered messages on standard output, for people or as
// JSON lines.
type deadPrinter struct {
	out  io.Writer
	json bool
}

// deadMessage is a line of --json output.
type deadMessage struct {
	Source    string     `json:"source"`
	Topic     string     `json:"topic"`
	Partition int32      `json:"partition"`
	Offset    int64      `json:"offset"`
	Time      *time.Time `json:"time,omitempty"`
	JobID     string     `json:"job_id,omitempty"`
	File      string     `json:"file"`
	Attempts  int        `json:"attempts"`
	Given     time.Time  `json:"given_up"`
	Reason    string     `json:"reason"`
	Exit      int        `json:"exit,omitempty"`
	// Kept is false where the message can not be delivered again.
	Kept bool `json:"kept"`
	// Requested is set while it waits to be tried again.
	Requested *time.Time `json:"requested,omitempty"`
}

// say writes lines for people; a program finds all in the JSON.
func (p deadPrinter) say(format string, args ...any) error {
	if p.json {
		return nil
	}
	return printed(fmt.Fprintf(p.out, format+"\n", args...))
}

func printed(_ int, err error) error {
	if err != nil {
		return fmt.Errorf("print the result: %w", err)
	}
	return nil
}

func (p deadPrinter) print(list []ledger.MessageEntry) error {
	encoder := json.NewEncoder(p.out)
	encoder.SetEscapeHTML(false)
	for _, e := range list {
		if p.json {
			if err := printed(0, encoder.Encode(describe(e))); err != nil {
				return err
			}
			continue
		}
		waits := ""
		if !e.Requested.IsZero() {
			waits = ", waits to be tried again since " + e.Requested.Format(time.DateTime)
		}
		err := printed(fmt.Fprintf(p.out, "%s  %s: %d attempt(s)%s\n    job     %s\n    message %s\n    reason  %s\n",
			e.Last.Format("2006-01-02 15:04:05 -07:00"), printableText(e.File), e.Attempts, waits,
			printableText(e.JobID), printableText(e.Source+" "+e.Message().Position()), printableText(e.Error)))
		if err != nil {
			return err
		}
	}
	return nil
}

// printableText is a text of foreign origin for a terminal.
func printableText(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return r == unicode.ReplacementChar || !unicode.IsPrint(r) }) {
		return strconv.Quote(s)
	}
	return s
}

func describe(e ledger.MessageEntry) deadMessage {
	return deadMessage{
		Source: e.Source, Topic: e.Topic, Partition: e.Partition, Offset: e.Offset, Time: moment(e.Time),
		JobID: e.JobID, File: e.File, Attempts: e.Attempts, Given: e.Last.UTC(), Reason: e.Error, Exit: e.Exit,
		Kept: e.Kept, Requested: moment(e.Requested),
	}
}

// moment is a time for JSON; nil for none.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
