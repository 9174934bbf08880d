package configs

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The kinds of value. Each function binds one to a field.

func same(s string) string                  { return s }
func asItIs(s string) (string, error)       { return s, nil }
func fields(s string) []string              { return strings.Fields(s) }
func formatDuration(d time.Duration) string { return shortDuration(d) }

func text(target *string) value {
	return scalar[string]{target: target, parse: asItIs, format: same, name: "text"}
}

// trimmed is a name around which blanks mean nothing.
func trimmed(target *string) value {
	return scalar[string]{target: target, format: same, name: "text",
		parse: func(s string) (string, error) { return strings.TrimSpace(s), nil }}
}

func secret(target *Secret) value {
	return scalar[Secret]{target: target, name: "secret", hide: true,
		// A pasted token often brings its line end along, which no header may hold.
		parse:  func(s string) (Secret, error) { return Secret(strings.TrimRight(s, "\r\n")), nil },
		format: Secret.String}
}

func boolean(target *bool) value {
	return scalar[bool]{target: target, parse: parseBool, format: strconv.FormatBool, name: "bool"}
}

// parseBool takes the words of YAML 1.1, as the peer's reader does.
func parseBool(s string) (bool, error) {
	switch strings.ToLower(s) {
	case "true", "yes", "on", "1":
		return true, nil
	case "false", "no", "off", "0":
		return false, nil
	default:
		return false, errors.New("is neither true nor false")
	}
}

func number(target *int, least, most int) value {
	return scalar[int]{target: target, format: strconv.Itoa, name: "number",
		parse: func(s string) (int, error) { return parseInt(s, least, most) }}
}

func parseInt(s string, least, most int) (int, error) {
	n, err := strconv.ParseInt(strings.TrimSpace(s), 0, 64)
	switch {
	case errors.Is(err, strconv.ErrRange), err == nil && (n < int64(least) || n > int64(most)):
		return 0, fmt.Errorf("is not between %d and %d", least, most)
	case err != nil:
		return 0, errors.New("is not a whole number")
	}
	return int(n), nil
}

// port is a number for which the peer's file holds an empty text when it is not given.
func port(target *int, whenEmpty int) value {
	return scalar[int]{target: target, format: strconv.Itoa, name: "number",
		parse: func(s string) (int, error) {
			if s == "" {
				return whenEmpty, nil
			}
			return parseInt(s, 1, 65535)
		}}
}

func duration(target *time.Duration, least time.Duration) value {
	return scalar[time.Duration]{target: target, format: formatDuration, name: "duration",
		parse: func(s string) (time.Duration, error) {
			d, err := parseDuration(s)
			switch {
			case err == nil && d < 0:
				err = errors.New("is negative")
			case err == nil && d < least:
				err = errors.New("is less than " + shortDuration(least))
			}
			return d, err
		}}
}

// timeout is a duration for which 0, the peer's default, means ours (D16).
func timeout(target *time.Duration) value {
	return scalar[time.Duration]{target: target, format: formatDuration, name: "duration",
		parse: func(s string) (time.Duration, error) {
			d, err := parseDuration(s)
			switch {
			case err != nil:
				return 0, err
			case d < 0:
				return 0, errors.New("is negative")
			case d == 0:
				return defaultTimeout, nil
			}
			return d, nil
		}}
}

// parseDuration takes seconds or a Go duration.
func parseDuration(s string) (time.Duration, error) {
	s = strings.TrimSpace(s)
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		if math.IsNaN(f) || math.Abs(f) > math.MaxInt64/float64(time.Second)/2 {
			return 0, errors.New("is no usable duration")
		}
		return time.Duration(f * float64(time.Second)), nil
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, errors.New("is not a duration in " + seconds)
	}
	return d, nil
}

// shortDuration is d without zero parts: 1h, not 1h0m0s.
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func durations(target *[]time.Duration) value {
	return list[time.Duration]{target: target, split: commas, parse: parseDuration, format: formatDuration, join: ",", name: "durations"}
}

func texts(target *[]string) value {
	return list[string]{target: target, split: commas, parse: asItIs, format: same, join: ",", name: "list"}
}

// commas splits at commas; blanks around and empty entries go.
func commas(s string) []string {
	var words []string
	for word := range strings.SplitSeq(s, ",") {
		if word = strings.TrimSpace(word); word != "" {
			words = append(words, word)
		}
	}
	return words
}

// words is an argument list; one text is split at spaces.
func words(target *[]string) value {
	return list[string]{target: target, split: fields, parse: asItIs, format: same, join: " ", name: "command", least: 1}
}

// joined is a text with commas, for which a list is taken as well.
func joined(target *string) value { return joinedTexts{text(target).(scalar[string])} }

func oneOf(target *string, choices ...string) value {
	return scalar[string]{target: target, format: same, name: "text",
		parse: func(s string) (string, error) {
			s = strings.ToLower(strings.TrimSpace(s))
			if !slices.Contains(choices, s) {
				named := slices.DeleteFunc(slices.Clone(choices), func(c string) bool { return c == "" })
				return "", fmt.Errorf("is none of %s", strings.Join(named, ", "))
			}
			return s, nil
		}}
}

// level is a log level by Python's names, in any case (D41).
func level(target *string) value {
	return scalar[string]{target: target, format: same, name: "level",
		parse: func(s string) (string, error) {
			switch s = strings.ToUpper(strings.TrimSpace(s)); s {
			case "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL":
				return s, nil
			case "WARN":
				return "WARNING", nil
			case "FATAL":
				return "CRITICAL", nil
			case "NOTSET":
				return "DEBUG", nil
			default:
				return "", errors.New("is none of DEBUG, INFO, WARNING, ERROR, CRITICAL")
			}
		}}
}

// address is the base of an HTTP API.
func address(target *string) value {
	return scalar[string]{target: target, format: same, name: "address",
		parse: func(s string) (string, error) {
			s = strings.TrimSpace(s)
			u, err := url.Parse(s)
			if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
				return "", errors.New("is not an address like https://scicat.example.org/api/v3")
			}
			return s, nil
		}}
}

func secretMapping(target *map[string]string) value { return mapping{target} }
