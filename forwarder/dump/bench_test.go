package dump

import (
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkWriter writes events of one frame: what the pump pays is TryPut, the
// rest is the Writer's goroutine and the disk.
func BenchmarkWriter(b *testing.B) {
	for _, size := range []int{1000, 64 << 10, 1 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			w, err := NewWriter(WriterOptions{Path: filepath.Join(b.TempDir(), "x.cbors")})
			if err != nil {
				b.Fatal(err)
			}
			go func() { _ = w.Run(b.Context()) }()
			m := message{[][]byte{make([]byte, 100), make([]byte, size)}, &atomic.Int64{}}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			parts := []Part{{Name: "s", Typ: "STINS", Message: m}}
			now := time.Now()
			for i := 0; b.Loop(); i++ {
				for !w.TryPut(uint64(i), now, parts) {
					time.Sleep(50 * time.Microsecond)
				}
			}
			if err := w.Close(b.Context()); err != nil {
				b.Fatal(err)
			}
		})
	}
}
