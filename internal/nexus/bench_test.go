package nexus

import "testing"

// BenchmarkOpenRead opens a file, reads 25 datasets and their units, and closes
// it: what one ingestion asks of this package.
func BenchmarkOpenRead(b *testing.B) {
	f := openTestFile(b, "testdata/kinds.hdf")
	paths := datasets(b, f)[:25]
	b.ReportAllocs()
	for b.Loop() {
		f, err := Open(b.Context(), "testdata/kinds.hdf", OpenOptions{})
		if err != nil {
			b.Fatal(err)
		}
		for _, p := range paths {
			if _, err := f.Read(p); err != nil {
				b.Fatal(err)
			}
			if _, err := f.Attr(p, "units"); err == nil {
				b.Fatal("units?")
			}
		}
		if err := f.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRead reads one scalar of an open file.
func BenchmarkRead(b *testing.B) {
	f := openTestFile(b, "testdata/kinds.hdf")
	for _, p := range []string{"/entry/k/s_i4", "/entry/title", "/entry/k/chunked_gz"} {
		b.Run(p, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := f.Read(p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
