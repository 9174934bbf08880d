package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"ingestor/cmd/internal/program"
	"ingestor/forwarder/dump"
	"ingestor/internal/fault"
)

func newDumpCommand() *cobra.Command {
	var o dumpOptions
	c := program.Command(&cobra.Command{
		Use:   "dump FILE…",
		Short: "Lists what is in a .cbors file",
		Long: `Lists the events of .cbors files, as this program and the Python ingesters write them: one line
each, with its number, the time it was taken, and for each stream its typ, the bytes of its frames,
and the beginning of the first one when that is text. - is standard input; a file that is
compressed with gzip is read as it is. Frames are not held in memory, whatever their size.

A file that ends in half a record, because its writer was killed or is at work, is listed as far as
it is whole.

Exit status: 0 listed; 65 a file can not be read, is no dump, or is cut off; with --extract also
when there is no such frame.`,
		Example: "  " + name + ` dump scan-12.cbors
  ` + name + ` dump --json --events 1-10 --stream eiger scan-12.cbors
  ` + name + ` dump --extract 3/eiger/1 scan-12.cbors > frame.raw`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("dump needs a .cbors file, or - for standard input")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			err := runDump(c.Context(), c.OutOrStdout(), c.InOrStdin(), args, o)
			if errors.Is(err, syscall.EPIPE) {
				return nil // head has seen enough
			}
			return err
		},
		ValidArgsFunction: completeDumps,
	})
	c.Flags().BoolVar(&o.json, "json", false, "Print each event as one line of JSON, and the summary as the last.")
	c.Flags().Var(&o.events, "events", "List only the events `A-B`; A- and -B are open, A is one.")
	c.Flags().StringArrayVar(&o.streams, "stream", nil, "List only this stream; may be given several times.")
	c.Flags().Var(&o.extract, "extract", "Write the bytes of one frame to standard output: `EVENT/STREAM/FRAME`, the frames counted from 0.")
	c.Flags().SortFlags = false
	return c
}

// completeDumps completes the names of dumps.
func completeDumps(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return []cobra.Completion{"cbors", "gz"}, cobra.ShellCompDirectiveFilterFileExt
}

type dumpOptions struct {
	json    bool
	events  eventRange
	streams []string
	extract frameName
}

func runDump(ctx context.Context, stdout io.Writer, stdin io.Reader, files []string, o dumpOptions) error {
	out := bufio.NewWriterSize(stdout, 32<<10)
	var all []error
	for _, file := range files {
		var err error
		if o.extract.given {
			err = extract(ctx, out, stdin, file, o.extract)
		} else {
			l := lister{out: out, opt: o, file: file, several: len(files) > 1}
			err = l.list(ctx, stdin)
		}
		// What is listed comes before what is wrong with it.
		if flushed := out.Flush(); flushed != nil {
			return flushed
		}
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, errFound):
			return nil
		case err != nil:
			all = append(all, err)
		}
	}
	if o.extract.given && len(all) == 0 {
		return fault.Errorf(fault.BadInput, "there is no frame %s in %s", &o.extract, strings.Join(files, ", "))
	}
	return errors.Join(all...)
}

// errFound ends the search for a frame.
var errFound = errors.New("found")

// extract writes one frame, the first of that name.
func extract(ctx context.Context, out io.Writer, stdin io.Reader, file string, want frameName) error {
	f, err := openDump(file, stdin)
	if err != nil {
		return err
	}
	defer f.Close()
	found := false
	for r := dump.NewReader(f); ctx.Err() == nil; {
		_, err := r.Copy(0, func(event uint64, stream string, frame int) io.Writer {
			if found || event != want.event || stream != want.stream || frame != want.frame {
				return nil
			}
			found = true
			return out
		})
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return badDump(file, err)
		case found:
			return errFound
		}
	}
	return nil
}

// badDump names the file of an error of its content.
func badDump(file string, err error) error {
	if errors.Is(err, syscall.EPIPE) {
		return err
	}
	return fault.Errorf(fault.BadInput, "%s: %w", file, err)
}

// dumpFile is a file to read, perhaps through a decompressor.
type dumpFile struct {
	io.Reader
	close func() error
}

func (f dumpFile) Close() error { return f.close() }

// seekingFile keeps the file's own Seek, by which frames are passed over.
type seekingFile struct{ *os.File }

// openDump opens a dump; - is standard input.
func openDump(name string, stdin io.Reader) (io.ReadCloser, error) {
	f, shut := stdin, func() error { return nil }
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, fault.Errorf(fault.BadInput, "cannot read the dump: %w", err)
		}
		f, shut = file, file.Close
		magic := make([]byte, 2)
		info, err := file.Stat()
		if err == nil && info.Mode().IsRegular() {
			if n, _ := file.ReadAt(magic, 0); n < 2 || !isGzip(magic) {
				return seekingFile{file}, nil
			}
		}
	}
	b := bufio.NewReaderSize(f, 64<<10)
	if magic, _ := b.Peek(2); !isGzip(magic) { // an error comes again when it is read
		return dumpFile{b, shut}, nil
	}
	z, err := gzip.NewReader(b)
	if err != nil {
		return nil, fault.Errorf(fault.BadInput, "%s: %w", name, errors.Join(err, shut()))
	}
	return dumpFile{z, shut}, nil
}

func isGzip(b []byte) bool { return len(b) >= 2 && b[0] == 0x1f && b[1] == 0x8b }

// eventRange is the flag A-B. Its zero value holds all events.
type eventRange struct {
	given       bool
	first, last uint64
}

func (e *eventRange) has(n uint64) bool { return !e.given || n >= e.first && n <= e.last }

// String is the flag as it was given, for the help and for errors.
func (e *eventRange) String() string {
	switch {
	case !e.given:
		return ""
	case e.last == math.MaxUint64:
		return fmt.Sprintf("%d-", e.first)
	}
	return fmt.Sprintf("%d-%d", e.first, e.last)
}

// Set reads A-B, A-, -B or A.
func (e *eventRange) Set(s string) error {
	from, to, dash := strings.Cut(s, "-")
	r := eventRange{given: true, last: math.MaxUint64}
	var errFrom, errTo error
	if from != "" {
		r.first, errFrom = strconv.ParseUint(from, 10, 64)
	}
	if to != "" {
		r.last, errTo = strconv.ParseUint(to, 10, 64)
	}
	if !dash {
		r.last = r.first
	}
	if from == "" && to == "" || errFrom != nil || errTo != nil || r.last < r.first {
		return errors.New("it looks like 3, 3-7, 3- or -7")
	}
	*e = r
	return nil
}

// Type is for the help.
func (e *eventRange) Type() string { return "range" }

// frameName is the flag EVENT/STREAM/FRAME; the stream may hold slashes.
type frameName struct {
	given  bool
	event  uint64
	stream string
	frame  int
}

// String is the flag as it was given.
func (f *frameName) String() string {
	if !f.given {
		return ""
	}
	return fmt.Sprintf("%d/%s/%d", f.event, f.stream, f.frame)
}

// Set reads EVENT/STREAM/FRAME.
func (f *frameName) Set(s string) error {
	first, last := strings.Index(s, "/"), strings.LastIndex(s, "/")
	if first >= 0 && last > first {
		event, errEvent := strconv.ParseUint(s[:first], 10, 64)
		frame, errFrame := strconv.ParseUint(s[last+1:], 10, 31)
		if errEvent == nil && errFrame == nil {
			*f = frameName{true, event, s[first+1 : last], int(frame)}
			return nil
		}
	}
	return errors.New("it looks like 3/eiger/1")
}

// Type is for the help.
func (f *frameName) Type() string { return "frame" }
