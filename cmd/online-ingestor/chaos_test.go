package main_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	faults "ingestor/internal/fault"
	"ingestor/internal/kafka"
)

// lengthVariable is how long faults happen; without it a minute.
const lengthVariable = "INGESTOR_CHAOS"

var sevenFaults = []string{killDaemon, killChild, stopBroker, stopCatalogue, expireToken, termDaemon, freezeDaemon}

// chaos is a run of daemons that share the partitions of a topic while
// everything that they need fails now and then.
type chaos struct {
	t         *testing.T
	plan      *plan
	site      *site
	stage     *stage
	catalogue *moodyCatalogue
	fleet     *fleet
	observer  *observer
	timeline  *timeline
	letters   string // the dead-letter topic

	token     string     // the file with the token of those that do not log in
	brokering sync.Mutex // of what happens to the broker,
	disking   sync.Mutex // and to the state directory
	sent      chan error // the end of the sender
	disk      *disk      // the state directory of the first machines, where it can be broken

	mu        sync.Mutex
	offenders []*message
}

// partitions of the topic.
const partitions = 6

// drainPromise is how long a stop may take with the settings of a chaos run:
// drain_timeout, kill_delay and 5 s, which a busy machine may stretch.
const drainPromise = 10*time.Second + time.Second + 3*5*time.Second

// Three daemons, six partitions, a mix of files, and every few seconds something
// dies, stops or freezes. In the end every good file is registered once, every
// bad message has its dead letter, and nothing was ever committed too early.
func TestChaos(t *testing.T) {
	c := newChaos(t, chaosPlan(t, chaosLength(t), sevenFaults), nil)
	c.run(nil)
}

func chaosLength(t *testing.T) time.Duration {
	t.Helper()
	needsReal(t)
	text := os.Getenv(lengthVariable)
	if text == "" {
		return time.Minute
	}
	length, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("%s: %v", lengthVariable, err)
	}
	return length
}

// chaosPlan is 600 messages in a minute, 3000 in ten.
func chaosPlan(t *testing.T, length time.Duration, faults []string) *plan {
	t.Helper()
	messages := max(600, min(3000, int(length.Minutes()*600)))
	return newPlan(chaosSeed(t), length, messages, partitions, faults)
}

// newChaos makes all that a run needs; nothing runs yet but broker and catalogue.
func newChaos(t *testing.T, p *plan, d *disk) *chaos {
	t.Helper()
	c := &chaos{
		t: t, plan: p,
		timeline: newTimeline(), sent: make(chan error, 1), disk: d,
	}
	b := startReal(t)
	s := newSite(t, b, partitions)
	s.catalogue.stop() // the run has one of its own
	c.site, c.catalogue = s, newMoodyCatalogue(t, c.plan)
	c.stage = newStage(t, s.dir, c.plan)
	c.letters = s.topic + ".dead"
	if err := b.admin.CreateTopic(t.Context(), c.letters, 2); err != nil {
		t.Fatal(err)
	}
	s.settings["kafka.dead_letter_topic"] = c.letters
	c.token = s.write("token", []byte(c.catalogue.issue()))
	c.settings()
	c.fleet = newFleet(t, c.timeline, s.topic, c.stage.attempted)
	c.machines()
	c.observer = newObserver(b.admin, s.topic, c.letters, s.group, c.plan, c.timeline)
	c.observer.finished, c.observer.found = c.finished, func(_ position, m *message) { c.offend(m) }
	return c
}

func (c *chaos) settings() {
	s := c.site
	delete(s.settings, "scicat.token")
	for key, value := range map[string]any{
		"scicat.host":                           c.catalogue.base(),
		"scicat.timeout":                        "5s",
		"ingestion.offline_ingestor_executable": c.stage.crasher(c.t),
		"ingestion.max_offline_ingestors":       3,
		// Enough for a file that is late, whose child crashes, and another is killed.
		"ingestion.max_attempts":    10,
		"ingestion.retry_delay":     "200ms",
		"ingestion.retry_max_delay": "2s",
		"ingestion.drain_timeout":   "10s",
	} {
		s.settings[key] = value
	}
}

// machines makes three of them: two daemons share the state of one machine, the
// third has its own and logs in to the catalogue, while they read a token file.
func (c *chaos) machines() {
	shared := filepath.Join(c.site.dir, "state")
	if c.disk != nil {
		shared = c.disk.dir
	}
	for range 2 {
		c.fleet.add(c.site, map[string]any{"ingestion.state_directory": shared, "scicat.token_file": c.token})
	}
	c.fleet.add(c.site, map[string]any{
		"ingestion.state_directory": filepath.Join(c.site.dir, "state-of-the-third"),
		"scicat.username":           account, "scicat.password_file": c.site.write("password", []byte(password+"\n")),
	})
}

// run plays the plan and checks what must hold. Beside, if given, is called
// when all daemons are started; the end of its context is that of the faults.
func (c *chaos) run(beside func(context.Context)) {
	t := c.t
	t.Logf("%d messages, %d faults in %s", len(c.plan.messages), len(c.plan.faults), c.plan.duration)
	defer c.report(t)
	var following, watching sync.WaitGroup
	reading, endReading := context.WithCancel(t.Context())
	defer func() { endReading(); following.Wait() }()
	following.Go(func() {
		if err := c.observer.follow(reading, c.site.broker.address); err != nil {
			c.timeline.fail("observer: %v", err)
		}
	})
	looking, endLooking := context.WithCancel(t.Context())
	watching.Go(func() { c.observer.watch(looking) })
	journalEnd := make(chan struct{})
	watching.Go(func() { c.fleet.journal.run(journalEnd) })

	c.timeline.began = time.Now()
	for _, m := range c.fleet.machines {
		m.start()
	}
	go func() { c.sent <- c.send(t.Context()) }()
	if beside != nil {
		during, end := context.WithDeadline(t.Context(), c.timeline.began.Add(c.plan.duration*9/10))
		watching.Go(func() { beside(during) })
		defer end()
	}
	c.playFaults()
	if !c.timeline.failed() {
		c.awaitAll()
	}
	c.stopAll()
	if !c.timeline.failed() {
		if err := c.observer.readAll(t.Context()); err != nil {
			c.timeline.fail("observer: %v", err)
		}
	}
	endLooking()
	close(journalEnd)
	watching.Wait()
	if !c.timeline.failed() {
		c.checkAll()
	}
	t.Logf("%d rounds of the observer; daemons were started %d times", c.observer.rounds, c.starts())
}

func (c *chaos) starts() (n int) {
	for _, m := range c.fleet.machines {
		n += m.lives
	}
	return n
}

// send sends the messages at their times, and again what the broker may not have.
func (c *chaos) send(ctx context.Context) error {
	order := slices.Clone(c.plan.messages)
	slices.SortStableFunc(order, func(a, b *message) int { return int(a.at - b.at) })
	for len(order) > 0 {
		elapsed := time.Since(c.timeline.began)
		var due []kafka.Record
		for len(order) > 0 && order[0].at <= elapsed {
			due = append(due, kafka.Record{Topic: c.site.topic, Value: order[0].value, Pinned: true, Partition: order[0].partition})
			order = order[1:]
		}
		for len(due) > 0 {
			_, err := c.site.broker.producer.ProduceAll(ctx, due)
			if err == nil {
				break
			}
			if ctx.Err() != nil || faults.KindOf(err) != faults.Unavailable {
				return err
			}
			c.timeline.add("sender: %v; sending again", err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	c.timeline.add("all messages are sent")
	return nil
}

// playFaults plays them at their times, each by itself, until all are mended.
func (c *chaos) playFaults() {
	var faults sync.WaitGroup
	for _, f := range c.plan.faults {
		if !c.sleepUntil(c.timeline.began.Add(f.at)) {
			break
		}
		faults.Go(func() {
			if err := c.play(f); err != nil {
				c.timeline.fail("%s: %v", f, err)
			}
		})
	}
	faults.Wait()
	c.sleepUntil(c.timeline.began.Add(c.plan.duration))
	c.timeline.add("the last fault is mended")
}

// sleepUntil watches the daemons meanwhile; false means that the run has failed.
func (c *chaos) sleepUntil(at time.Time) bool {
	for time.Now().Before(at) && c.well() {
		time.Sleep(20 * time.Millisecond)
	}
	return c.well()
}

// well notes a daemon that ended though nobody ended it.
func (c *chaos) well() bool {
	for _, m := range c.fleet.machines {
		if !m.acting.TryLock() {
			continue // somebody is at it
		}
		if l := m.life; l != nil && l.endedItself() {
			l.mean()
			c.timeline.fail("%s ended by itself: %v", l.name, l.cmd.ProcessState)
		}
		m.acting.Unlock()
	}
	return !c.timeline.failed()
}

// awaitAll waits until every message is sent and committed. A minute and a half
// without any progress is a standstill.
func (c *chaos) awaitAll() {
	const standstill, most = 90 * time.Second, 10 * time.Minute
	began := time.Now()
	sent := false
	var last string
	moved := began
	for c.well() && time.Since(began) < most {
		select {
		case err := <-c.sent:
			if err != nil {
				c.timeline.fail("sender: %v", err)
				return
			}
			sent = true
		default:
		}
		ends, err := c.site.broker.admin.Ends(c.t.Context(), c.site.topic)
		if err == nil {
			committed, err := c.site.broker.admin.Committed(c.t.Context(), c.site.group)
			done := err == nil && sent
			for key, end := range ends {
				done = done && (committed[key] == end)
			}
			if done {
				c.timeline.add("every message is committed")
				c.t.Logf("all is done %s after the last fault was mended", time.Since(began).Round(100*time.Millisecond))
				return
			}
			if now := fmt.Sprint(committed); now != last {
				last, moved = now, time.Now()
			}
		}
		if time.Since(moved) > standstill {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if c.timeline.failed() {
		return
	}
	ends, err := c.site.broker.admin.Ends(c.t.Context(), c.site.topic)
	c.timeline.fail("nothing is committed any more since %s: committed %s, ends %v (%v)", stamp(moved), last, ends, err)
	for p, m := range c.observer.positions() {
		if m != nil && len(c.fleet.journal.outcomesOf(p)) == 0 {
			c.offend(m)
		}
	}
}

func (c *chaos) offend(m *message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m != nil && !slices.Contains(c.offenders, m) {
		c.offenders = append(c.offenders, m)
	}
}

// stopAll ends the daemons; nothing that any of them started may be left.
func (c *chaos) stopAll() {
	var stops sync.WaitGroup
	for _, m := range c.fleet.machines {
		stops.Go(func() {
			m.acting.Lock()
			defer m.acting.Unlock()
			if m.life == nil {
				return
			}
			m.life.signal(syscall.SIGCONT) // where the run was broken off
			if err := m.term(drainPromise); err != nil {
				c.timeline.fail("%v", err)
			}
		})
	}
	stops.Wait()
	if err := alive("everybody", "end", awaitNone(c.fleet.mark, orphanTime)); err != nil {
		c.timeline.fail("%v", err)
	}
}

// finished says whether nothing remains to be done for a message.
func (c *chaos) finished(p position, m *message) bool {
	switch {
	case m.good():
		_, there := c.catalogue.Dataset(m.run.pid)
		return there && len(c.catalogue.Datablocks(m.run.pid)) > 0
	case m.bad():
		return len(c.observer.letters[p]) > 0 // the observer asks, under its lock
	default:
		return len(c.fleet.journal.outcomesOf(p)) > 0
	}
}

// checkAll checks the end: catalogue, dead letters, outcomes.
func (c *chaos) checkAll() {
	positions := c.observer.positions()
	blocks := map[any]int{}
	for _, b := range c.catalogue.Datablocks("") {
		blocks[b["datasetId"]]++
	}
	sets := map[any]int{}
	for _, d := range c.catalogue.Datasets() {
		sets[d["pid"]]++
	}
	files := 0
	for _, m := range c.plan.messages {
		if !m.good() {
			continue
		}
		if m.kind != again {
			files++
		}
		if sets[m.run.pid] != 1 || blocks[m.run.pid] != 1 {
			c.timeline.fail("%s has %d datasets and %d datablocks", m.run.path, sets[m.run.pid], blocks[m.run.pid])
			c.offend(m)
		}
	}
	if len(sets) != files {
		c.timeline.fail("%d datasets of %d files", len(sets), files)
	}
	byMessage := map[*message]int{}
	for p, m := range positions {
		if m == nil {
			c.timeline.fail("%v holds a message that nobody sent", p)
			continue
		}
		byMessage[m]++
		c.checkOutcomes(p, m)
		c.checkLetters(p, m)
	}
	for _, m := range c.plan.messages {
		if byMessage[m] == 0 && m.kind != tombstone {
			c.timeline.fail("message %d (%s) was never seen in the topic", m.number, m.kind)
		}
	}
	if n := len(c.observer.strays); n > 0 {
		c.timeline.fail("%d dead letters are about no message of the topic, such as %+v", n, c.observer.strays[0])
	}
	if n := c.stage.waiting(); n > 0 {
		c.timeline.fail("%d files were never tried", n)
	}
	c.checkLedgers(positions)
	for _, l := range c.fleet.journal.races {
		c.timeline.fail("a data race in %s", l)
	}
}

// checkOutcomes: each position has an outcome, and none that is wrong.
func (c *chaos) checkOutcomes(p position, m *message) {
	got := c.fleet.journal.outcomesOf(p)
	wrong := slices.ContainsFunc(got, func(o string) bool { return !slices.Contains(m.wants(), o) })
	if len(got) == 0 || wrong {
		c.timeline.fail("message %d (%s) has the outcomes %v, not %v", m.number, m.kind, got, m.wants())
		c.offend(m)
	}
}

// checkLetters: a bad message has a dead letter, at most one for each time that
// a daemon gave it up, and no other message has any.
func (c *chaos) checkLetters(p position, m *message) {
	letters := c.observer.lettersOf(p)
	given := len(c.fleet.journal.outcomesOf(p))
	switch {
	case !m.bad() && len(letters) > 0, m.bad() && len(letters) == 0, len(letters) > given:
		c.timeline.fail("message %d (%s) has %d dead letters; daemons gave it up %d times", m.number, m.kind, len(letters), given)
		c.offend(m)
	}
	for _, l := range letters {
		var faults []error
		if string(l.Value) != string(m.value) {
			faults = append(faults, errors.New("its value is another"))
		}
		if reason := string(header(l, "ingestor-reason")); strings.TrimSpace(reason) == "" || strings.Contains(reason, "\n") {
			faults = append(faults, fmt.Errorf("its reason is %q", reason))
		}
		if _, err := time.Parse(time.RFC3339, string(header(l, "ingestor-time"))); err != nil {
			faults = append(faults, err)
		}
		least, most := 1, 10 // max_attempts: a child may have been killed meanwhile
		switch m.kind {
		case malformed, badPath:
			least, most = 0, 0
		case missing:
			least = most
		}
		if n, err := strconv.Atoi(string(header(l, "ingestor-attempts"))); err != nil || n < least || n > most {
			faults = append(faults, fmt.Errorf("it tells %q attempts, not %d to %d", header(l, "ingestor-attempts"), least, most))
		}
		if err := errors.Join(faults...); err != nil {
			c.timeline.fail("the dead letter of message %d (%s): %v", m.number, m.kind, err)
			c.offend(m)
		}
	}
}
