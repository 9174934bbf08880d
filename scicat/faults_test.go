package scicat_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"ingestor/scicat"
	"ingestor/scicat/scicattest"
)

// register does what an ingestor does with one file.
func register(ctx context.Context, c *scicat.Client, d scicat.Dataset, b scicat.Datablock) error {
	presence, err := c.Dataset(ctx, d.PID)
	if err != nil {
		return err
	}
	if presence == scicat.Absent {
		pids, err := c.DatasetsByMetadata(ctx, "job_id", d.ScientificMetadata["job_id"].Value)
		if err != nil || len(pids) > 0 {
			return errors.Join(err, fmt.Errorf("found %v", pids))
		}
		if _, err := c.CreateDataset(ctx, d, nil); err != nil && !errors.Is(err, scicat.ErrExists) {
			return err
		}
	}
	ids, err := c.Datablocks(ctx, d.PID)
	if err != nil || len(ids) > 0 {
		return err
	}
	_, err = c.CreateDatablock(ctx, b, nil)
	return err
}

// TestFaults_EveryPosition makes each single request of a registration fail
// once, and for good from there on. At the end there is one dataset with one
// datablock, or an error that another run makes good.
func TestFaults_EveryPosition(t *testing.T) {
	failures := []struct {
		name  string
		fault scicattest.Fault
	}{
		{"500", scicattest.Fault{Status: 500, Body: `"Internal server error"`}},
		{"502 page after it was carried out", scicattest.Fault{Status: 502, Body: "<html>bad gateway</html>", Acted: true}},
		{"503", scicattest.Fault{Status: 503, Body: `{"message":"busy"}`}},
		{"429", scicattest.Fault{Status: 429, Headers: map[string]string{"Retry-After": "0"}}},
		{"cut before", scicattest.Fault{Cut: scicattest.Before}},
		{"cut after", scicattest.Fault{Cut: scicattest.After}},
		{"cut during the answer", scicattest.Fault{Cut: scicattest.During}},
		{"time-out", scicattest.Fault{Delay: 80 * time.Millisecond}},
	}
	b := inMemory(t)
	for _, f := range failures {
		for _, forGood := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, for good %v", f.name, forGood), func(t *testing.T) {
				for position := 1; ; position++ {
					if reached := failAt(t, b, f.fault, position, forGood); !reached {
						t.Logf("%d positions", position-1)
						return
					}
				}
			})
		}
	}
}

// failAt runs one registration with a fault at a position; false when the
// registration was over before it.
func failAt(t *testing.T, b backend, f scicattest.Fault, position int, forGood bool) bool {
	t.Helper()
	server := b.server
	server.ClearFaults()
	server.ClearRequests()
	f.Skip, f.Times = position-1, 1
	if forGood {
		f.Times = 0
	}
	if err := server.AddFault(f); err != nil {
		t.Fatal(err)
	}
	c := newClient(t, b, func(o *scicat.Options) {
		o.MaxRetries = 2
		if f.Delay > 0 {
			o.Timeout = f.Delay / 2
		}
	})
	pid := newPID()
	d, block := sampleDataset(pid, b.group, "job of "+pid), sampleDatablock(pid)
	err := register(t.Context(), c, d, block)
	reached := len(server.Requests()) >= position
	if !forGood && err != nil {
		t.Errorf("position %d: %v", position, err)
	}
	if forGood && reached && err == nil && complete(server, pid) != nil {
		t.Errorf("position %d: no error, but %v", position, complete(server, pid))
	}
	if f.Delay > 0 {
		// What the server has not done yet it does now, behind our back.
		time.Sleep(2 * f.Delay)
	}
	server.ClearFaults()
	if err := register(t.Context(), newClient(t, b, nil), d, block); err != nil {
		t.Errorf("position %d, the run after it: %v", position, err)
	}
	if err := complete(server, pid); err != nil {
		t.Errorf("position %d: %v", position, err)
	}
	return reached
}

// complete wants exactly one dataset with one datablock.
func complete(server *scicattest.Server, pid string) error {
	datasets := 0
	for _, d := range server.Datasets() {
		if d["pid"] == pid {
			datasets++
		}
	}
	if blocks := len(server.Datablocks(pid)); datasets != 1 || blocks != 1 {
		return fmt.Errorf("there are %d datasets and %d datablocks", datasets, blocks)
	}
	return nil
}

// TestFaults_ServerPIDIsNeverPostedTwice: without a pid nobody can look, so an
// unknown outcome ends the call.
func TestFaults_ServerPIDIsNeverPostedTwice(t *testing.T) {
	b := inMemory(t)
	for _, cut := range []scicattest.Cut{scicattest.Before, scicattest.After, scicattest.During} {
		if err := b.server.AddFault(scicattest.Fault{Method: "POST", Cut: cut, Times: 1}); err != nil {
			t.Fatal(err)
		}
		before := len(b.server.Datasets())
		if _, err := newClient(t, b, nil).CreateDataset(t.Context(), sampleDataset("", b.group, "j"), nil); err == nil {
			t.Errorf("cut %d: no error", cut)
		}
		if made := len(b.server.Datasets()) - before; made > 1 {
			t.Errorf("cut %d: %d datasets", cut, made)
		}
		b.server.ClearFaults()
	}
}
