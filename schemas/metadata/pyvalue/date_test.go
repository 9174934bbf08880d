package pyvalue

import (
	"math"
	"testing"
	"time"
)

func TestParseDate_ReadsISOAsPythonDoes(t *testing.T) {
	for name, row := range map[string]struct{ text, want string }{
		"a day is its midnight, without zone":      {"2024-10-28", "2024-10-28T00:00:00"},
		"Z becomes an offset":                      {"2024-10-28T09:06:41.186Z", "2024-10-28T09:06:41.186000+00:00"},
		"a fraction of zero is dropped":            {"2024-10-28T09:06:41.000Z", "2024-10-28T09:06:41+00:00"},
		"digits beyond the sixth are cut":          {"2024-10-28T09:06:41.123456789", "2024-10-28T09:06:41.123456"},
		"a comma is a point":                       {"2024-10-28T09:06:41,5", "2024-10-28T09:06:41.500000"},
		"an offset of hours":                       {"2024-10-28T09:06:41+02", "2024-10-28T09:06:41+02:00"},
		"an offset without colon":                  {"2024-10-28T09:06:41-0530", "2024-10-28T09:06:41-05:30"},
		"an offset with seconds":                   {"2024-10-28T09:06:41+02:00:30", "2024-10-28T09:06:41+02:00:30"},
		"the basic form":                           {"20241028T090641Z", "2024-10-28T09:06:41+00:00"},
		"any character between day and time":       {"2024-10-28é09:06", "2024-10-28T09:06:00"},
		"an hour alone":                            {"2024-10-28T09", "2024-10-28T09:00:00"},
		"a week is its Monday":                     {"2024-W44", "2024-10-28T00:00:00"},
		"a week and a day":                         {"2024W447", "2024-11-03T00:00:00"},
		"week 53 of a long year":                   {"2020-W53-5", "2021-01-01T00:00:00"},
		"29 February of a leap year":               {"2024-02-29", "2024-02-29T00:00:00"},
		"one character too many before the offset": {"2024-10-28T09:06:411Z", "2024-10-28T09:06:41+00:00"},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := ParseDate(row.text)
			if err != nil || d.String() != row.want {
				t.Errorf("%s: got %v, %v, want %s", row.text, d, err, row.want)
			}
		})
	}
}

func TestParseDate_RefusesWhatPythonRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "a small z": "2024-10-28T09:06:41z", "hour 24": "2024-10-28T24:00:00", "30 February": "2024-02-30",
		"a day of the year": "2024-302", "slashes": "28/10/2024", "a trailing space": "2024-10-28T09:06:41 ", "week 53 of a short year": "2024-W53",
		"week 0": "2024-W00", "mixed dashes": "2024-1028", "an offset of a day": "2024-10-28T09:06+24:00", "digits of other scripts": "٢٠٢٤-10-28",
		"a year alone": "2024", "a month alone": "2024-10", "an incomplete offset": "2024-10-28T09:06+2",
	} {
		t.Run(name, func(t *testing.T) {
			if d, err := ParseDate(text); err == nil {
				t.Errorf("%q: got %s, want an error", text, d)
			}
		})
	}
}

func TestDateOfEpoch_CountsSecondsInUTC(t *testing.T) {
	for name, row := range map[string]struct {
		seconds Value
		want    string
	}{
		"an integer":                             {NewInt(1730106401), "2024-10-28T09:06:41+00:00"},
		"a fraction":                             {Float(1730106401.25), "2024-10-28T09:06:41.250000+00:00"},
		"half a microsecond to the even":         {Float(2.5e-6), "1970-01-01T00:00:00.000002+00:00"},
		"before 1970":                            {Float(-2.5), "1969-12-31T23:59:57.500000+00:00"},
		"true is one":                            {Bool(true), "1970-01-01T00:00:01+00:00"},
		"a microsecond that rounds to a second":  {Float(1.9999999), "1970-01-01T00:00:02+00:00"},
		"the last second that there is in years": {NewInt(253402300799), "9999-12-31T23:59:59+00:00"},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := DateOfEpoch(row.seconds)
			if err != nil || d.String() != row.want {
				t.Errorf("got %v, %v, want %s", d, err, row.want)
			}
		})
	}
	for name, v := range map[string]Value{"NaN": Float(math.NaN()), "infinity": Float(math.Inf(1)), "the year 10000": NewInt(253402300800), "nanoseconds": NewInt(1e18)} {
		if d, err := DateOfEpoch(v); err == nil {
			t.Errorf("%s: got %s, want an error", name, d)
		}
	}
}

func FuzzParseDate(f *testing.F) {
	for _, seed := range []string{"2024-10-28T09:06:41.186Z", "2024-W44-1T10:00+02", "20241028T0906", "2024W44", "0001-01-01", "9999-12-31T23:59:59.999999-23:59"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseDate(text)
		if err != nil {
			return
		}
		again, err := ParseDate(d.String())
		if err != nil || again != d {
			t.Errorf("%q is %s, which is %v, %v", text, d, again, err)
		}
	})
}

func TestDateOf_KeepsTheOffset(t *testing.T) {
	at := time.Date(2024, 1, 2, 3, 4, 5, 6999, time.FixedZone("", 5400))
	if got := DateOf(at).String(); got != "2024-01-02T03:04:05.000006+01:30" {
		t.Errorf("got %s", got)
	}
}
