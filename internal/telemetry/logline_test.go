package telemetry

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
)

func deviceAndInode(t *testing.T, f *os.File) string {
	t.Helper()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		t.Skip("no device and inode here")
	}
	return fmt.Sprintf("%d:%d", stat.Dev, stat.Ino)
}

func entry(level logrus.Level, message string, fields logrus.Fields) *logrus.Entry {
	return &logrus.Entry{Time: time.Date(2026, 11, 21, 21, 53, 6, 400_000_000, time.Local), Level: level, Message: message, Data: fields}
}

func TestLine(t *testing.T) {
	for _, c := range []struct {
		name string
		f    lineFormatter
		e    *logrus.Entry
		want string
	}{
		{"the peer's form", lineFormatter{prefix: "SFI", program: "p", pid: 7}, entry(logrus.InfoLevel, "hello", nil),
			"SFI - 2026-11-21 21:53:06,400 - p[7] - INFO - hello\n"},
		{"no prefix", lineFormatter{program: "p", pid: 7}, entry(logrus.FatalLevel, "hello", nil),
			"2026-11-21 21:53:06,400 - p[7] - CRITICAL - hello\n"},
		{"fields by name", lineFormatter{layout: bareLine}, entry(logrus.InfoLevel, "m", logrus.Fields{"b": 2, "a": "x", "d": 3 * time.Second, "e": errors.New("no way")}),
			"m a=x b=2 d=3s e=\"no way\"\n"},
		{"values that could be misread", lineFormatter{layout: bareLine}, entry(logrus.InfoLevel, "m", logrus.Fields{"a": "", "b": "x=y", "c": `"q"`, "d": "å/ö", "f": nil}),
			`m a="" b="x=y" c="\"q\"" d=å/ö f=<nil>` + "\n"},
		{"one record is one line", lineFormatter{layout: bareLine}, entry(logrus.InfoLevel, "a\nb\tc", logrus.Fields{"k\n": "x\r\ny"}),
			`a\nb\tc k\n="x\r\ny"` + "\n"},
		{"nothing that moves a cursor", lineFormatter{layout: bareLine}, entry(logrus.InfoLevel, "a\x1b[31mb\x00\u2028", logrus.Fields{"k": "\x1b]"}),
			`a\x1b[31mb\x00\u2028 k="\x1b]"` + "\n"},
		{"nothing but ASCII", lineFormatter{layout: bareLine, ascii: true}, entry(logrus.InfoLevel, "å…\U0001f600\xff", logrus.Fields{"k": "ö"}),
			`\u00e5\u2026\U0001f600\ufffd k=\u00f6` + "\n"},
		{"journal", lineFormatter{layout: journalLine, prefix: "SFI"}, entry(logrus.WarnLevel, "m", nil), "<4>WARNING m\n"},
		{"terminal without colour", lineFormatter{layout: shortLine}, entry(logrus.InfoLevel, "m", nil), "21:53:06 INFO    m\n"},
		{"terminal with colour", lineFormatter{layout: shortLine, colour: true}, entry(logrus.ErrorLevel, "m", nil), "21:53:06 \x1b[31mERROR  \x1b[0m m\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.f.Format(c.e)
			if err != nil || string(got) != c.want {
				t.Errorf("got  %q, %v\nwant %q", got, err, c.want)
			}
		})
	}
}

func TestParseLevel_TakesPythonsNamesInAnyCase(t *testing.T) {
	for name, want := range map[string]logrus.Level{
		"debug": logrus.DebugLevel, "INFO": logrus.InfoLevel, "Warning": logrus.WarnLevel, "warn": logrus.WarnLevel,
		"ERROR": logrus.ErrorLevel, "critical": logrus.FatalLevel, "FATAL": logrus.FatalLevel,
	} {
		if got, err := ParseLevel(name); err != nil || got != want {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if _, err := ParseLevel("loud"); err == nil {
		t.Error("loud is a level")
	}
}

func TestSeverity_GrowsLessWithTheLevel(t *testing.T) {
	want := map[logrus.Level]int{logrus.PanicLevel: 2, logrus.FatalLevel: 2, logrus.ErrorLevel: 3, logrus.WarnLevel: 4, logrus.InfoLevel: 6, logrus.DebugLevel: 7, logrus.TraceLevel: 7}
	for l, n := range want {
		if got := severity(l); got != n {
			t.Errorf("%v: %d, want %d", l, got, n)
		}
	}
}

// FuzzLine: whatever is logged, it is one line without control characters.
func FuzzLine(f *testing.F) {
	f.Add("message", "key", "value")
	f.Add("a\nb", "k\x1b", "\xff\u2028\x00")
	f.Fuzz(func(t *testing.T, message, key, value string) {
		for _, l := range []layout{fullLine, journalLine, shortLine, bareLine} {
			got, err := lineFormatter{layout: l, prefix: key, program: "p"}.Format(entry(logrus.InfoLevel, message, logrus.Fields{key: value}))
			if err != nil {
				t.Fatal(err)
			}
			line := bytes.TrimSuffix(got, []byte("\n"))
			if bytes.ContainsFunc(line, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\u2028' }) {
				t.Errorf("%q", got)
			}
		}
	})
}
