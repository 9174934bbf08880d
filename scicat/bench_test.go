package scicat_test

import (
	"fmt"
	"testing"

	"ingestor/scicat"
	"ingestor/scicat/scicattest"
)

// BenchmarkRegister is one whole registration, six requests, by a new client as
// each process makes one.
func BenchmarkRegister(b *testing.B) {
	s, err := scicattest.New(scicattest.Options{})
	if err != nil {
		b.Fatal(err)
	}
	if err := s.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	}()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		c, err := scicat.New(scicat.Options{BaseURL: s.BaseURL(), Token: scicat.StaticToken(s.Token("ingestor"))})
		if err != nil {
			b.Fatal(err)
		}
		pid := fmt.Sprintf("10.1/%d", i)
		if err := register(b.Context(), c, sampleDataset(pid, "ingestor", pid), sampleDatablock(pid)); err != nil {
			b.Fatal(err)
		}
		c.Close()
	}
}
