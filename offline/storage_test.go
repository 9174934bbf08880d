package offline

import (
	"errors"
	"os"
	"syscall"
	"testing"

	"ingestor/internal/fault"
	"ingestor/internal/nexus/nexustest"
)

// A storage that goes away while a file is read must neither fail the file nor
// register what could be read of it.
func TestIngest_AStorageThatFailsMeanwhileMakesNoDataset(t *testing.T) {
	b := newBed(t)
	g := b.ingestor(nil)
	w := g.start(b.file)
	file, err := g.open(b.context(), w)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	nexustest.FailReads(t, b.file)
	if err := g.evaluate(b.context(), w, file, g.opt.Catalogue.Lookups()); fault.KindOf(err) != fault.Unavailable || !errors.Is(err, syscall.EIO) {
		t.Errorf("%v: %v", fault.KindOf(err), err)
	}
	b.ingest(nil) // the next try
	b.wantOneOfEach()
}

// A file whose share goes away after it was read is one that is not there.
func TestIngest_AFileThatGoesAwayMeanwhileIsTriedAgain(t *testing.T) {
	b := newBed(t)
	g := b.ingestor(nil)
	w := g.start(b.file)
	file, err := g.open(b.context(), w)
	if err == nil {
		err = g.evaluate(b.context(), w, file, g.opt.Catalogue.Lookups())
	}
	if err == nil {
		err = os.Remove(b.file)
	}
	if err != nil {
		t.Fatal(err)
	}
	_, err = g.fileList(w, "", g.hashInBackground(b.context(), b.file, ""))
	if fault.KindOf(err) != fault.Busy {
		t.Errorf("%v: %v", fault.KindOf(err), err)
	}
}
