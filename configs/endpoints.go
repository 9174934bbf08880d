package configs

import (
	"errors"
	"fmt"
	"math"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// The kinds of value that only the forwarder has.

// tcpURL is the address of a socket of ours as others connect to it.
func tcpURL(target *string) value {
	return scalar[string]{target: target, format: same, name: "address", parse: parseTCP}
}

func parseTCP(s string) (string, error) {
	s = strings.TrimSuffix(strings.TrimSpace(s), "/")
	rest, is := strings.CutPrefix(s, "tcp://")
	host, port, err := net.SplitHostPort(rest)
	if !is || err != nil || host == "" || strings.ContainsAny(rest, "/?# ") {
		return "", errors.New("is not an address like tcp://host:10000")
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return "", fmt.Errorf("has the port %q, which is not between 1 and 65535", port)
	}
	if host == "*" {
		return "", errors.New("is where workers connect to, so it needs a name or address of this machine; what to listen on is said by bind")
	}
	return s, nil
}

// bindURL is what a socket of ours listens on.
func bindURL(target *string) value {
	return scalar[string]{target: target, format: same, name: "address",
		parse: func(s string) (string, error) {
			s = strings.TrimSpace(s)
			if s == "" || strings.HasPrefix(s, "ipc://") {
				return s, nil
			}
			rest, is := strings.CutPrefix(s, "tcp://")
			host, port, err := net.SplitHostPort(rest)
			if !is || err != nil || host == "" || port == "" {
				return "", errors.New("is not an address like tcp://*:10000")
			}
			return s, nil
		}}
}

// listenAddress is host:port of a server; empty switches it off.
func listenAddress(target *string) value {
	return scalar[string]{target: target, format: same, name: "address",
		parse: func(s string) (string, error) {
			s = strings.TrimSpace(s)
			if s == "" {
				return s, nil
			}
			_, port, err := net.SplitHostPort(s)
			n, bad := strconv.Atoi(port)
			if err != nil || bad != nil || n < 0 || n > 65535 {
				return "", errors.New("is not an address like 127.0.0.1:9464")
			}
			return s, nil
		}}
}

// redisURL may hold a password, which no message shows.
func redisURL(target *string) value {
	return scalar[string]{target: target, name: "address", hide: true, format: withoutPassword,
		parse: func(s string) (string, error) {
			s = strings.TrimSpace(s)
			u, err := url.Parse(s)
			if err != nil {
				return "", errors.New("is not an address like redis://host:6379/0")
			}
			switch {
			case u.Scheme == "unix" && u.Path != "":
			case (u.Scheme == "redis" || u.Scheme == "rediss") && u.Host != "":
			default:
				return "", errors.New("is not an address like redis://host:6379/0, rediss://host:6379/0 or unix:///run/redis.sock")
			}
			return s, nil
		}}
}

// withoutPassword is the address as it may be shown.
func withoutPassword(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return hidden
	}
	if _, has := u.User.Password(); has {
		u.User = url.UserPassword(u.User.Username(), "xxxxx")
	}
	if q := u.Query(); q.Has("password") {
		q.Set("password", "xxxxx")
		u.RawQuery = q.Encode()
	}
	return u.String()
}

// size is a number of bytes.
func size(target *int64, least int64) value {
	return scalar[int64]{target: target, format: formatSize, name: "size",
		parse: func(s string) (int64, error) {
			n, err := parseSize(s)
			if err == nil && n < least {
				err = errors.New("is less than " + formatSize(least))
			}
			return n, err
		}}
}

var sizeUnits = []struct {
	name  string
	bytes int64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
	{"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1},
}

// parseSize takes bytes, or a number with a unit. K, M, G alone mean one thing here
// and another there, so they are not guessed at.
func parseSize(s string) (int64, error) {
	wrong := errors.New("is not a size in bytes, or with a unit: 64MiB, 1GiB, 500MB")
	number, factor := strings.TrimSpace(s), int64(1)
	for _, u := range sizeUnits {
		if n := len(number) - len(u.name); n > 0 && strings.EqualFold(number[n:], u.name) {
			number, factor = strings.TrimSpace(number[:n]), u.bytes
			break
		}
	}
	if n, err := strconv.ParseInt(number, 10, 64); err == nil {
		if n < 0 || n > math.MaxInt64/factor {
			return 0, errors.New("is no usable size")
		}
		return n * factor, nil
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil || factor == 1 {
		return 0, wrong
	}
	if f *= float64(factor); !(f >= 0 && f < math.MaxInt64) {
		return 0, errors.New("is no usable size")
	}
	return int64(f), nil
}

func formatSize(n int64) string {
	for i := 3; i >= 0; i-- {
		if u := sizeUnits[i]; n >= u.bytes && n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.name
		}
	}
	for i := 7; i >= 4; i-- {
		if u := sizeUnits[i]; n >= u.bytes && n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10)
}

// within is a duration between two.
func within(target *time.Duration, least, most time.Duration, why string) value {
	return scalar[time.Duration]{target: target, format: formatDuration, name: "duration",
		parse: func(s string) (time.Duration, error) {
			d, err := parseDuration(s)
			if err == nil && (d < least || d > most) {
				err = fmt.Errorf("is not between %s and %s: %s", shortDuration(least), shortDuration(most), why)
			}
			return d, err
		}}
}

// verbatim is a list of texts as they are; blanks count. One text is one entry.
func verbatim(target *[]string) value {
	return exactTexts{list[string]{target: target, split: func(s string) []string { return []string{s} }, parse: asItIs, format: same, join: "|", name: "list"}}
}

type exactTexts struct{ list[string] }

func (e exactTexts) setNode(node *yaml.Node) error {
	if node.Kind != yaml.SequenceNode {
		return e.list.setNode(node)
	}
	var words []string
	for _, item := range node.Content {
		if item = resolve(item); item.Kind != yaml.ScalarNode {
			return errors.New("is not a list of texts; put quotes around each")
		}
		words = append(words, item.Value)
	}
	*e.target = words
	return nil
}

// cpus is a list of processors, in which 2-5 means 2, 3, 4 and 5.
type cpus struct{ list[int] }

func processors(target *[]int) value {
	return cpus{list[int]{target: target, split: ranges, format: strconv.Itoa, join: ",", name: "list",
		parse: func(s string) (int, error) { return parseInt(s, 0, 1023) }}}
}

func (c cpus) setNode(node *yaml.Node) error {
	if node.Kind != yaml.SequenceNode {
		return c.list.setNode(node)
	}
	var words []string
	if err := texts(&words).setNode(node); err != nil {
		return err
	}
	return c.set(strings.Join(words, ","))
}

// ranges splits at commas and writes ranges out.
func ranges(s string) (words []string) {
	for _, word := range commas(s) {
		first, last, is := strings.Cut(word, "-")
		from, err1 := strconv.Atoi(strings.TrimSpace(first))
		to, err2 := strconv.Atoi(strings.TrimSpace(last))
		if !is || err1 != nil || err2 != nil || from > to || to > 1023 {
			words = append(words, word) // the parser says what is wrong with it
			continue
		}
		for ; from <= to; from++ {
			words = append(words, strconv.Itoa(from))
		}
	}
	return words
}
