package pyvalue

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

var errDate = errors.New("not an ISO date")

// Date is a point in time, or a local time when it has no offset.
type Date struct {
	Year, Month, Day     int
	Hour, Minute, Second int
	Microsecond          int
	// HasOffset tells 09:00 from 09:00+00:00.
	HasOffset bool
	// Offset is the time east of Greenwich.
	Offset time.Duration
}

// String is isoformat(): no fraction when it is zero, else six digits.
func (d Date) String() string {
	var sb strings.Builder
	fmt.Fprintf(&sb, "%04d-%02d-%02dT%02d:%02d:%02d", d.Year, d.Month, d.Day, d.Hour, d.Minute, d.Second)
	if d.Microsecond != 0 {
		fmt.Fprintf(&sb, ".%06d", d.Microsecond)
	}
	if !d.HasOffset {
		return sb.String()
	}
	offset, sign := d.Offset, byte('+')
	if offset < 0 {
		offset, sign = -offset, '-'
	}
	fmt.Fprintf(&sb, "%c%02d:%02d", sign, offset/time.Hour, offset/time.Minute%60)
	seconds, micros := offset/time.Second%60, offset/time.Microsecond%1e6
	if seconds != 0 || micros != 0 {
		fmt.Fprintf(&sb, ":%02d", seconds)
	}
	if micros != 0 {
		fmt.Fprintf(&sb, ".%06d", micros)
	}
	return sb.String()
}

// DateOf is the moment t as a date with offset, to the microsecond.
func DateOf(t time.Time) Date {
	_, offset := t.Zone()
	return Date{
		Year: t.Year(), Month: int(t.Month()), Day: t.Day(),
		Hour: t.Hour(), Minute: t.Minute(), Second: t.Second(), Microsecond: t.Nanosecond() / 1000,
		HasOffset: true, Offset: time.Duration(offset) * time.Second,
	}
}

// DateOfEpoch is the number of seconds since 1970 in UTC, rounded to the
// nearest microsecond, half to even. Years 1 to 9999.
func DateOfEpoch(v Value) (Date, error) {
	if n, ok := v.(Int); ok {
		if seconds, fits := n.Int64(); fits && -maxEpoch < seconds && seconds < maxEpoch {
			return dateInRange(time.Unix(seconds, 0).UTC(), v)
		}
		return Date{}, errEpoch(v)
	}
	f, err := ToFloat(v)
	if err != nil {
		return Date{}, err
	}
	if math.IsNaN(float64(f)) || math.Abs(float64(f)) >= maxEpoch {
		return Date{}, errEpoch(v)
	}
	whole, fraction := math.Modf(float64(f))
	micros := math.RoundToEven(fraction * 1e6)
	return dateInRange(time.Unix(int64(whole), int64(micros)*1000).UTC(), v)
}

// maxEpoch bounds what is asked of the calendar, in seconds; it is beyond the
// year 9999.
const maxEpoch = 1e12

func dateInRange(t time.Time, v Value) (Date, error) {
	if t.Year() < 1 || t.Year() > 9999 {
		return Date{}, errEpoch(v)
	}
	return DateOf(t), nil
}

func errEpoch(v Value) error {
	return fmt.Errorf("%s seconds since 1970 is not a date", Text(v))
}

// ParseDate is datetime.fromisoformat of Python 3.12: most of ISO 8601, with
// any one character between date and time. Digits of a second beyond the sixth
// are cut off.
func ParseDate(s string) (Date, error) {
	d, err := parseDate([]rune(s))
	if err != nil {
		return Date{}, fmt.Errorf("%s is not an ISO 8601 date", shown(Str(s)))
	}
	return d, nil
}

func parseDate(s []rune) (Date, error) {
	if len(s) < 7 {
		return Date{}, errDate
	}
	at, err := separatorAt(s)
	if err != nil {
		return Date{}, err
	}
	var d Date
	if err := d.parseDay(string(s[:at])); err != nil {
		return Date{}, err
	}
	if at < len(s) {
		if err := d.parseTime(string(s[at+1:])); err != nil {
			return Date{}, err
		}
	}
	return d, d.check()
}

// separatorAt finds where the day ends. Week dates are ambiguous without it.
func separatorAt(s []rune) (int, error) {
	if len(s) == 7 {
		return 7, nil
	}
	digit := func(i int) bool { return i < len(s) && '0' <= s[i] && s[i] <= '9' }
	switch {
	case s[4] == '-' && s[5] == 'W':
		if len(s) > 8 && s[8] == '-' {
			if len(s) == 9 {
				return 0, errDate
			}
			if len(s) > 10 && digit(10) {
				return 8, nil
			}
			return 10, nil
		}
		return 8, nil
	case s[4] == '-':
		if len(s) < 10 {
			return 0, errDate
		}
		return 10, nil
	case s[4] == 'W':
		i := 7
		for digit(i) {
			i++
		}
		if i < 9 {
			return i, nil
		}
		if i%2 == 0 {
			return 7, nil
		}
		return 8, nil
	default:
		return 8, nil
	}
}

func (d *Date) parseDay(s string) error {
	if len(s) < 7 || !isASCII(s) {
		return errDate
	}
	year, err := number(s[:4], 4)
	if err != nil {
		return err
	}
	rest, dashed := strings.CutPrefix(s[4:], "-")
	if week, ok := strings.CutPrefix(rest, "W"); ok {
		return d.parseWeek(year, week, dashed)
	}
	if len(rest) < 4 {
		return errDate
	}
	month, err := number(rest[:2], 2)
	if err != nil {
		return err
	}
	rest, second := strings.CutPrefix(rest[2:], "-")
	if second != dashed {
		return errDate
	}
	day, err := number(rest, 2)
	if err != nil {
		return err
	}
	d.Year, d.Month, d.Day = year, month, day
	return nil
}

func (d *Date) parseWeek(year int, s string, dashed bool) error {
	if len(s) < 2 {
		return errDate
	}
	week, err := number(s[:2], 2)
	if err != nil {
		return err
	}
	weekday := 1
	if rest := s[2:]; rest != "" {
		rest, second := strings.CutPrefix(rest, "-")
		if second != dashed {
			return errDate
		}
		if weekday, err = number(rest, 1); err != nil {
			return err
		}
	}
	if year < 1 || week < 1 || week > 53 || weekday < 1 || weekday > 7 {
		return errDate
	}
	// The Monday of week 1 is the one before or on 4 January.
	fourth := time.Date(year, 1, 4, 0, 0, 0, 0, time.UTC)
	monday := fourth.AddDate(0, 0, -(int(fourth.Weekday())+6)%7)
	if week == 53 {
		if y, w := monday.AddDate(0, 0, 52*7).ISOWeek(); y != year || w != 53 {
			return errDate
		}
	}
	t := monday.AddDate(0, 0, (week-1)*7+weekday-1)
	d.Year, d.Month, d.Day = t.Year(), int(t.Month()), t.Day()
	return nil
}

func (d *Date) parseTime(s string) error {
	zone := strings.IndexAny(s, "+-Z")
	clock := s
	if zone >= 0 {
		clock = s[:zone]
	}
	parts, err := clockParts(clock, zone >= 0)
	if err != nil {
		return err
	}
	d.Hour, d.Minute, d.Second, d.Microsecond = parts[0], parts[1], parts[2], parts[3]
	switch {
	case zone < 0:
		return nil
	case s[zone] == 'Z':
		d.HasOffset = true
		if zone != len(s)-1 {
			return errDate
		}
		return nil
	}
	offset, err := clockParts(s[zone+1:], false)
	if err != nil {
		return err
	}
	d.HasOffset = true
	d.Offset = time.Duration(offset[0])*time.Hour + time.Duration(offset[1])*time.Minute +
		time.Duration(offset[2])*time.Second + time.Duration(offset[3])*time.Microsecond
	if d.Offset >= 24*time.Hour {
		return errDate
	}
	if s[zone] == '-' {
		d.Offset = -d.Offset
	}
	return nil
}

// clockParts reads HH[:MM[:SS[.ffffff]]], with or without the colons. Before an
// offset Python lets pass one character too many, and anything after the sixth
// digit of a second; what it reads is read here.
func clockParts(s string, zoned bool) (parts [4]int, err error) {
	colons, fraction := false, false
	for i := 0; i < 3 && !fraction; i++ {
		if len(s) < 2 {
			return parts, errDate
		}
		if parts[i], err = number(s[:2], 2); err != nil {
			return parts, err
		}
		s = s[2:]
		switch {
		case s == "" || len(s) == 1 && zoned:
			return parts, nil
		case len(s) == 1:
			return parts, errDate
		}
		switch separator := s[0]; {
		case i == 0 && separator == ':':
			colons = true
			s = s[1:]
		case colons && separator == ':':
			s = s[1:]
		case separator == '.' || separator == ',':
			fraction = true
			s = s[1:]
		case colons:
			return parts, errDate
		}
	}
	return parts, parseFraction(s, &parts[3], zoned)
}

// parseFraction reads the digits of a second.
func parseFraction(s string, micros *int, zoned bool) error {
	if s == "" {
		return errDate
	}
	digits := s[:min(6, len(s))]
	if !isDigits(digits) || !zoned && !isDigits(s) {
		return errDate
	}
	n, err := number((digits + "00000")[:6], 6)
	*micros = n
	return err
}

func (d *Date) check() error {
	switch {
	case d.Year < 1 || d.Year > 9999, d.Month < 1 || d.Month > 12, d.Day < 1,
		d.Hour > 23, d.Minute > 59, d.Second > 59:
		return errDate
	case time.Date(d.Year, time.Month(d.Month), d.Day, 0, 0, 0, 0, time.UTC).Day() != d.Day:
		return errDate
	}
	return nil
}

// number reads exactly width ASCII digits.
func number(s string, width int) (int, error) {
	if len(s) != width || !isDigits(s) {
		return 0, errDate
	}
	return strconv.Atoi(s)
}
