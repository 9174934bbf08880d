package dump

import (
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestWriter_NoRoomInTheMiddleOfARecord: what was written of it is cut off, so
// that the file stays readable. A limit of the process stands for the full disk:
// it holds for all files, hence the child.
func TestWriter_NoRoomInTheMiddleOfARecord(t *testing.T) {
	const limit, child = 1 << 20, "DUMP_TEST_LIMITED"
	if path := os.Getenv(child); path != "" {
		signal.Ignore(unix.SIGXFSZ)
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
			t.Fatal(err)
		}
		// Small records, gathered, and large frames, which are not.
		for _, size := range []int{1000, 300000} {
			b := newBench(t, WriterOptions{Path: filepath.Join(path, time.Duration(size).String()), QueueBytes: 1 << 20})
			b.start()
			n := uint64(3 * limit / size)
			for i := range n {
				for !b.put(record(i, size)) {
					time.Sleep(time.Millisecond)
				}
			}
			b.close()
			b.wantLog(cannotWrite)
			whole := uint64(len(mustReadFile(t, b.opt.Path)))
			if whole < n/4 || whole >= n/2 {
				t.Errorf("%d of %d records are whole", whole, n)
			}
			b.wantCounts(whole, n-whole, 1)
		}
		return
	}
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	c.Env = append(os.Environ(), child+"="+t.TempDir())
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
