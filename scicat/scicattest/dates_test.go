package scicattest

import (
	"strings"
	"testing"
	"time"
)

func TestDateLike_AsJavaScriptReadsIt(t *testing.T) {
	tests := map[string]bool{
		// Seen to be turned into dates by the backend.
		"sample 1": true, "Run 5": true, "abc-1": true, "job-1": true, "26037": true, "2025-02-01T10:00:00.000Z": true,
		"2024-10-28": true,
		// Seen to be left alone.
		"20.500.12269/09358a56-2ff1-4cf0-a339-017c52341e23": false,
		"3f46f706-ed92-43e4-8ecf-9be954fa85ab":              false,
		"ds":                                                false, "group1": false, "nope-zz": false, "": false,
		// By the rules of its parser.
		"Jan 5": true, "5 January 2024": true, "28 Oct 2024 09:06:41": true, "12/31/1999": true, "sample 13": false, "sample 32": true,
		"abc1": false, "1a": false, "1 2 3 4": false, "10:30": false, "(comment) 1": true, "31/31/2000": false,
	}
	for text, want := range tests {
		if got := dateLike(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestStoredDate(t *testing.T) {
	tests := []struct{ sent, want string }{
		{"2025-02-01", "2025-02-01T00:00:00.000Z"},
		{"2025-02-01T10:00:00", "2025-02-01T10:00:00.000Z"},
		{"2025-02-01 10:00:00", "2025-02-01T10:00:00.000Z"},
		{"2025-02-01T10:00:00.123456+00:00", "2025-02-01T10:00:00.123Z"},
		{"2025-02-01T10:00:00+01:00", "2025-02-01T09:00:00.000Z"},
		{"yesterday", ""},
	}
	for _, tt := range tests {
		d, ok := storedDate(tt.sent).(date)
		if ok != (tt.want != "") || ok && stamp(time.Time(d)) != tt.want {
			t.Errorf("%s: %v, want %s", tt.sent, storedDate(tt.sent), tt.want)
		}
	}
}

func FuzzDateLike(f *testing.F) {
	for _, seed := range []string{"sample 1", "12:30:10.5 -", "Jan-1-2", "((", "99999999999999999999", "å1", "1-"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if dateLike(text) && !strings.ContainsAny(text, "0123456789") {
			t.Errorf("%q is a date without a number", text)
		}
		if !strings.Contains(text, "(") && dateLike(text) && dateLike(text+" x") {
			t.Errorf("%q is a date with a word behind it", text)
		}
	})
}

func FuzzReadFilter(f *testing.F) {
	f.Add(`{"where":{"a.b":{"inq":["x"]},"and":[{"c":1}],"d":{"gte":"2025-01-01"}},"fields":["a"],"limits":{"limit":-1,"skip":9,"order":"a:desc"}}`)
	f.Add(`{"where":{"x":{"like":"("}},"fields":{"a":1},"include":[{"relation":"all"},"x",3]}`)
	documents := []Document{{"_id": "1", "a": Document{"b": "x"}, "d": date(time.Now()), "c": []any{"y", nil}}, {"_id": "2"}}
	f.Fuzz(func(t *testing.T, text string) {
		query, err := readFilter(text, true)
		if err != nil {
			return
		}
		found, err := query.run(documents, func(d Document) Document { return d })
		if err == nil && len(found) > len(documents) {
			t.Errorf("%d found", len(found))
		}
	})
}
