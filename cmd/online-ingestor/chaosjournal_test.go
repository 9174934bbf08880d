package main_test

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// position is where a message stands.
type position struct {
	partition int32
	offset    int64
}

// journal is what all daemons have logged, and what that says of each message.
type journal struct {
	topic     string
	onAttempt func(path string)

	mu       sync.Mutex
	lives    []*life
	lines    []journalLine
	spoken   map[*life]bool
	stopped  map[*life]string // the line with the sums
	outcomes map[position][]string
	races    []string
}

type journalLine struct {
	life string
	text string
}

func newJournal(topic string, onAttempt func(string)) *journal {
	return &journal{topic: topic, onAttempt: onAttempt, spoken: map[*life]bool{}, stopped: map[*life]string{}, outcomes: map[position][]string{}}
}

func (j *journal) follow(l *life) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lives = append(j.lives, l)
}

var (
	wherePattern   = regexp.MustCompile(`offset=(\d+) (?:outcome=(\w+) )?partition=(\d+)`)
	commandPattern = regexp.MustCompile(` - Command to be run .* file=(\S+)`)
)

// absorb takes over what the daemons have logged since the last time. They keep
// nothing themselves, so that the end of a failed test is short.
func (j *journal) absorb() {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, l := range j.lives {
		l.mu.Lock()
		fresh := l.lines
		l.lines = nil
		l.mu.Unlock()
		for _, text := range fresh {
			j.lines = append(j.lines, journalLine{l.name, text})
			j.read(l, text)
		}
	}
}

func (j *journal) read(l *life, text string) {
	j.spoken[l] = true
	switch {
	case strings.Contains(text, "DATA RACE"):
		j.races = append(j.races, l.name)
	case strings.Contains(text, " - INFO - Stopped "):
		j.stopped[l] = text
	}
	if m := commandPattern.FindStringSubmatch(text); m != nil {
		j.onAttempt(m[1])
	}
	if !strings.Contains(text, "topic="+j.topic) {
		return
	}
	if m := wherePattern.FindStringSubmatch(text); m != nil && m[2] != "" {
		offset, _ := strconv.ParseInt(m[1], 10, 64) // digits
		partition, _ := strconv.Atoi(m[3])
		p := position{int32(partition), offset}
		j.outcomes[p] = append(j.outcomes[p], m[2])
	}
}

// run absorbs until end is closed.
func (j *journal) run(end <-chan struct{}) {
	every := time.NewTicker(20 * time.Millisecond)
	defer every.Stop()
	for {
		j.absorb()
		select {
		case <-every.C:
		case <-end:
			j.absorb()
			return
		}
	}
}

// awaitWord waits for a daemon's first line. One that is only being loaded has
// no say yet in how it ends.
func (j *journal) awaitWord(l *life) {
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline) && !l.ended(); time.Sleep(5 * time.Millisecond) {
		j.mu.Lock()
		spoken := j.spoken[l]
		j.mu.Unlock()
		if spoken {
			return
		}
	}
}

// outcomesOf are the outcomes that daemons have logged for a position.
func (j *journal) outcomesOf(p position) []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.outcomes[p])
}

// about are all lines with one of the words.
func (j *journal) about(words ...string) (lines []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, l := range j.lines {
		if slices.ContainsFunc(words, func(w string) bool { return w != "" && strings.Contains(l.text, w) }) {
			lines = append(lines, l.life+": "+l.text)
		}
	}
	return lines
}

// said counts the lines with all of the words.
func (j *journal) said(words ...string) (n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, l := range j.lines {
		if hasAll(l.text, words) {
			n++
		}
	}
	return n
}

func (j *journal) all() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	lines := make([]string, len(j.lines))
	for i, l := range j.lines {
		lines[i] = l.life + ": " + l.text
	}
	return lines
}

// checkSums says whether the sums of a daemon that ended in order are right:
// every message was returned or has one outcome.
func (j *journal) checkSums(l *life) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	line, ok := j.stopped[l]
	if !ok {
		if slices.ContainsFunc(j.lines, func(x journalLine) bool {
			return x.life == l.name && strings.Contains(x.text, "partitions assigned")
		}) {
			return fmt.Errorf("%s ended in order and tells no sums", l.name)
		}
		return nil // it was still waiting for its broker
	}
	messages, sum := 0, 0
	for _, f := range number.FindAllStringSubmatch(line, -1) {
		n, err := strconv.Atoi(f[2])
		if err != nil {
			return fmt.Errorf("%s: %w", line, err)
		}
		switch f[1] {
		case "messages":
			messages = n
		case "running":
			if n != 0 {
				return fmt.Errorf("%s ended in order with children: %s", l.name, line)
			}
		default:
			sum += n
		}
	}
	if messages != sum {
		return fmt.Errorf("%s had %d messages, and %d are returned or have an outcome: %s", l.name, messages, sum, line)
	}
	return nil
}
