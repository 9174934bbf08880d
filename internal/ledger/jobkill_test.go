package ledger

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"
)

// pieces is how many files are dealt with at once.
const pieces = 20

// stretch is the part of a job that is dealt with in one step. Its files come in
// the order of marks.
func stretch(step int) []File {
	files := make([]File, pieces)
	for i := range files {
		files[i] = fileAt(int64(step*pieces+i), fmt.Sprintf("/data/%d/%d.hdf", step, i))
	}
	return files
}

// TestJobWriter is the child: step by step it notes what failed, publishes, and
// moves the mark, until it is killed.
func TestJobWriter(t *testing.T) {
	dir := os.Getenv(childDirectory)
	if dir == "" {
		t.Skip("only for the tests of several processes")
	}
	l := openAs(t, dir, production)
	w := worklist(t, dir)
	j := load(t, l, "night")
	for {
		files := stretch(j.Version)
		add(t, w, files...)
		notes := make([]Note, len(files))
		for i, f := range files {
			notes[i] = Note{File: f, Error: "killed", Class: "bug", Exit: 70, FirstOfAttempt: true}
		}
		if err := l.NoteFailed(t.Context(), notes); err != nil {
			t.Fatal(err)
		}
		publish(t, l, "night", files...)
		j.Version, j.Mark = j.Version+1, files[pieces-1].Mark()
		j.Roots = map[string]RootSeen{"/data": {Files: int64(j.Version * pieces)}}
		save(t, l, j)
		addRun(t, l, Run{Job: "night", Started: j.Mark.Time, Exit: j.Version})
		fmt.Println("saved", j.Version)
	}
}

// TestSaveJob_SurvivesKill: kill -9 in the middle, many times on one job. What was
// said to be kept is there, nothing by half, and the mark is past nothing that is
// not dealt with.
func TestSaveJob_SurvivesKill(t *testing.T) {
	dir := t.TempDir()
	for number := range 8 {
		c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestJobWriter$")
		c.Env = append(os.Environ(), childDirectory+"="+dir)
		out, err := c.StdoutPipe()
		if err == nil {
			err = c.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		lines, said := bufio.NewScanner(out), 0
		for seen := 0; (seen < 3+2*number || said == 0) && lines.Scan(); seen++ {
			_, _ = fmt.Sscanf(lines.Text(), "saved %d", &said)
		}
		time.Sleep(time.Duration(number*300) * time.Microsecond) // anywhere in a step
		if err := c.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() {
			_, _ = fmt.Sscanf(lines.Text(), "saved %d", &said)
		}
		_ = c.Wait() // killed
		l := openAs(t, dir, production)
		j := load(t, l, "night")
		if said == 0 || j.Version < said || j.Version > said+1 || j.Roots["/data"].Files != int64(j.Version*pieces) ||
			j.Mark.Compare(stretch(j.Version - 1)[pieces-1].Mark()) != 0 {
			t.Fatalf("%d steps were said to be kept, there is %+v", said, j)
		}
		for step := range j.Version + 1 {
			wantStretch(t, l, step, j.Version)
		}
		if runs, err := l.Runs(t.Context(), "night", 1); err != nil || len(runs) != 1 || runs[0].Exit < said {
			t.Errorf("%+v, %v", runs, err)
		}
		var check string
		if err := l.db.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&check); err != nil || check != "ok" {
			t.Fatalf("%s, %v", check, err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		for _, name := range entriesOf(t, dir) {
			if name != FileName {
				t.Errorf("%s is left behind", name)
			}
		}
	}
}

// wantStretch is what is there of a step: all of one that the mark is past, and
// all or nothing of the next.
func wantStretch(t *testing.T, l *Ledger, step, saved int) {
	t.Helper()
	failed, published := 0, 0
	for _, k := range know(t, l, stretch(step)...) {
		if k.State == Failed && k.Error == "killed" {
			failed++
		}
		if !k.Published.IsZero() {
			published++
		}
	}
	if step < saved && failed+published != 2*pieces || failed%pieces != 0 || published%pieces != 0 || published > failed {
		t.Errorf("step %d of %d: %d failed, %d published", step, saved, failed, published)
	}
}
