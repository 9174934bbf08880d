package main_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"ingestor/internal/intake"
	"ingestor/internal/kafka"
	"ingestor/internal/offsets"
	"ingestor/schemas/filewriter"
)

// standIn takes the place of the offline ingestor: a shell script, whose end a
// test decides by the name of the file.
type standIn struct {
	t   *testing.T
	dir string
}

// standIn makes the daemon use a script. In it $name is the file's name without
// its folder, $n how often that file was tried, this time included, and $dir a
// folder for whatever the test wants to know. It succeeds unless body exits.
func (s *site) standIn(body string) *standIn {
	s.t.Helper()
	in := &standIn{t: s.t, dir: s.t.TempDir()}
	script := "dir='" + in.dir + "'\nname=\"${4##*/}\"\necho \"$name $$\" >> \"$dir/starts\"\n" +
		"n=$(grep -c \"^$name \" \"$dir/starts\")\n" + body + "\nexit 0\n"
	// By way of the shell: a script that has just been written may not be
	// executed yet when another test starts a process at this moment.
	s.settings["ingestion.offline_ingestor_executable"] = []string{"/bin/sh", s.write("stand-in.sh", []byte(script))}
	s.settings["ingestion.file_handling.message_to_file"] = false
	return in
}

// lines are those of a file that the script wrote.
func (in *standIn) lines(name string) []string {
	text, err := os.ReadFile(filepath.Join(in.dir, name))
	if err != nil {
		return nil // not yet
	}
	return strings.Fields(strings.ReplaceAll(string(text), " ", "/"))
}

// starts is how often each file was tried.
func (in *standIn) starts() map[string]int {
	all := map[string]int{}
	for _, l := range in.lines("starts") {
		name, _, _ := strings.Cut(l, "/")
		all[name]++
	}
	return all
}

// pids are processes that the script has noted in a file, one number a line.
func (in *standIn) pids(name string) (list []process) {
	in.t.Helper()
	for _, l := range in.lines(name) {
		pid, err := strconv.Atoi(l)
		if err != nil {
			in.t.Fatal(err)
		}
		if _, _, start, ok := stat(l); ok {
			list = append(list, process{pid, start})
		}
	}
	return list
}

// leave puts a file there that the script may look for.
func (in *standIn) leave(name, text string) {
	in.t.Helper()
	path := filepath.Join(in.dir, name)
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		in.t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		in.t.Fatal(err)
	}
}

// called is the message that a file of this name is complete; for a stand-in it
// need not be there.
func (s *site) called(name string) []byte {
	return filewriter.WritingDone{
		ServiceID: "filewriter-1", JobID: "job-of-" + name, FileName: filepath.Join(s.dir, "odin", "raw", name),
	}.Encode()
}

func (s *site) calledAll(names ...string) (values [][]byte) {
	for _, n := range names {
		values = append(values, s.called(n))
	}
	return values
}

// numbered are n names.
func numbered(prefix string, n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("%s%02d", prefix, i)
	}
	return names
}

// anyLives says whether one of the processes is still there.
func anyLives(list []process) bool { return slices.ContainsFunc(list, process.lives) }

// outcomes is how many messages the daemon has said an outcome for.
func (d *daemon) outcomes(of string) int { return d.times(" outcome=" + of) }

// committedOffset is that of partition 0, 0 without one.
func (s *site) committedOffset() int64 {
	s.t.Helper()
	return s.committed()[offsets.Key{Topic: s.topic}]
}

// stays fails when something does not stay as it is for a while.
func stays(t *testing.T, long time.Duration, what string, so func() bool, states ...fmt.Stringer) {
	t.Helper()
	for end := time.Now().Add(long); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if !so() {
			for _, s := range states {
				t.Log(s)
			}
			t.Fatalf("does not stay: %s", what)
		}
	}
}

// property sets one of librdkafka's for the daemons of the site.
func (s *site) property(name string, value any) {
	s.settings["kafka.librdkafka"].(map[string]any)[name] = value
}

func (b *broker) sessionTime() time.Duration { return time.Duration(b.session) * time.Millisecond }

// letterbox holds what has come to a dead-letter topic.
type letterbox struct {
	mu  sync.Mutex
	all []intake.Message
}

// deadLetters gives the site a dead-letter topic, and reads it.
func (s *site) deadLetters() *letterbox {
	s.t.Helper()
	topic := s.topic + ".dead"
	s.settings["kafka.dead_letter_topic"] = topic
	return s.letterbox(topic)
}

// letterbox makes a topic and reads it.
func (s *site) letterbox(topic string) *letterbox {
	s.t.Helper()
	if err := s.broker.admin.CreateTopic(s.t.Context(), topic, 1); err != nil {
		s.t.Fatal(err)
	}
	source, err := kafka.New(kafka.Options{Name: "letters", Topics: []string{topic}, Properties: map[string]string{
		"bootstrap.servers": s.broker.address, "group.id": s.group + ".letters", "reconnect.backoff.max.ms": "200",
		"session.timeout.ms": strconv.Itoa(max(s.broker.session, 6000)),
	}})
	if err != nil {
		s.t.Fatal(err)
	}
	box := &letterbox{}
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- source.Run(ctx, func(m intake.Message, ack intake.Ack) {
			box.mu.Lock()
			box.all = append(box.all, m)
			box.mu.Unlock()
			ack(nil)
		})
	}()
	s.t.Cleanup(func() {
		end()
		if err := <-ended; err != nil {
			s.t.Error(err)
		}
	})
	return box
}

func (b *letterbox) letters() []intake.Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.all)
}

// awaitLetters waits for n letters, and makes sure that no more come soon.
func (b *letterbox) awaitLetters(t *testing.T, n int, d *daemon) []intake.Message {
	t.Helper()
	await(t, fmt.Sprintf("%d dead letters", n), func() bool { return len(b.letters()) >= n || d.ended() }, d)
	time.Sleep(300 * time.Millisecond)
	all := b.letters()
	if len(all) != n {
		t.Fatalf("%d dead letters, not %d: %v\n%s", len(all), n, all, d)
	}
	return all
}

// headers are those of a letter, by name; one that is there twice is a fault.
func headersOf(t *testing.T, m intake.Message) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, h := range m.Headers {
		if _, twice := all[h.Key]; twice {
			t.Errorf("the header %s is there twice: %q", h.Key, m.Headers)
		}
		all[h.Key] = string(h.Value)
	}
	return all
}
