package ledger

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The environment of a child of these tests.
const (
	childDirectory = "INGESTOR_TEST_LEDGER_DIR"
	childNumber    = "INGESTOR_TEST_LEDGER_NUMBER"
)

// batch is how many notes are taken at once.
const batch = 7

// TestWriter is the child: it takes batches of notes until it is killed or has
// taken as many as it is asked to, and says so after each.
func TestWriter(t *testing.T) {
	dir := os.Getenv(childDirectory)
	if dir == "" {
		t.Skip("only for the tests of several processes")
	}
	number, most, _ := strings.Cut(os.Getenv(childNumber), "/")
	count, err := strconv.Atoi(most)
	if err != nil {
		t.Fatal(err)
	}
	l := open(t, dir)
	for i := range count {
		if err := l.NoteMessages(t.Context(), batchOf(number, i)); err != nil {
			t.Fatal(err)
		}
		fmt.Println("taken", i)
	}
}

func batchOf(writer string, i int) []MessageNote {
	var notes []MessageNote
	for j := range batch {
		n := at(int64(i*batch + j))
		n.Topic, n.Value = writer, []byte(strings.Repeat("x", 100*j))
		notes = append(notes, n)
	}
	return notes
}

// startWriter starts a child and returns the lines that it writes.
func startWriter(t *testing.T, dir string, number, count int) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestWriter$")
	c.Env = append(os.Environ(), childDirectory+"="+dir, fmt.Sprintf("%s=%d/%d", childNumber, number, count))
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	return c, bufio.NewScanner(out)
}

// wantBatches is what is there of a writer: what it said, and nothing by half.
func wantBatches(t *testing.T, l *Ledger, writer string, said int) (there int) {
	t.Helper()
	for known := batch; known == batch; there++ {
		known = 0
		for _, n := range batchOf(writer, there) {
			_, k, err := l.Outcome(t.Context(), n.Source, n.Topic, n.Partition, n.Offset, n.Time)
			if err != nil {
				t.Fatal(err)
			}
			if k {
				known++
			}
		}
		if known != 0 && known != batch {
			t.Errorf("writer %s: %d of %d notes of batch %d", writer, known, batch, there)
		}
	}
	there--
	if there < said {
		t.Errorf("writer %s: %d batches are there, it took %d", writer, there, said)
	}
	return there
}

// TestNoteMessages_SurviveKill: kill -9 in the middle, many times on one ledger.
func TestNoteMessages_SurviveKill(t *testing.T) {
	dir := t.TempDir()
	for number := range 8 {
		c, lines := startWriter(t, dir, number, 1_000_000)
		said := 0
		for said < 5+3*number && lines.Scan() {
			said++
		}
		time.Sleep(time.Duration(number*300) * time.Microsecond) // anywhere in a batch
		if err := c.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() {
			said++
		}
		_ = c.Wait() // killed
		l := open(t, dir)
		there := wantBatches(t, l, strconv.Itoa(number), said)
		t.Logf("writer %d: %d batches said, %d there", number, said, there)
		var check string
		if err := l.db.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&check); err != nil || check != "ok" {
			t.Fatalf("%s, %v", check, err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestNoteMessages_BySeveralProcessesAtOnce: each writes all it wants to, while
// messages are asked for and forgotten.
func TestNoteMessages_BySeveralProcessesAtOnce(t *testing.T) {
	dir := t.TempDir()
	const writers, batches = 4, 60
	l := open(t, dir)
	var children []*exec.Cmd
	done := make(chan int, writers)
	for number := range writers {
		c, lines := startWriter(t, dir, number, batches)
		children = append(children, c)
		go func() {
			said := 0
			for lines.Scan() {
				if strings.HasPrefix(lines.Text(), "taken") {
					said++
				}
			}
			done <- said
		}()
	}
	for ended := 0; ended < writers; {
		select {
		case said := <-done:
			ended++
			if said != batches {
				t.Errorf("a writer took %d batches of %d", said, batches)
			}
		default:
			request(t, l, MessageFilter{All: true}, 0)
			if _, err := l.Prune(t.Context(), testTime); err != nil {
				t.Error(err)
			}
		}
	}
	for number, c := range children {
		if err := c.Wait(); err != nil {
			t.Errorf("writer %d: %v", number, err)
		}
		wantBatches(t, l, strconv.Itoa(number), batches)
	}
}
