package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"time"

	"ingestor/internal/nexus"
	"ingestor/schemas/metadata"
)

// tellShares says where the time of a round went. The kernel counts the
// processor time of the daemon and of its children. What a child does with its
// share is taken from runs of one child alone: its parts are in the same
// proportion there, if not as long.
func (s *site) tellShares(ctx context.Context, r round, o options) error {
	table, err := s.costs(ctx, o.runs)
	if err != nil {
		return err
	}
	hdf5, err := s.hdf5(ctx, o.runs)
	if err != nil {
		return err
	}
	requests, calls, err := s.requests(ctx, o.runs)
	if err != nil {
		return err
	}
	whole := table[registerNew].wall
	// Processor time, because it does not wait and walls differ by more than that.
	ledger := max(0, table[registerNew].cpu-table[registerUnnoted].cpu)
	other := whole - table[startOnly].wall - hdf5 - calls - ledger
	fmt.Printf("One child alone takes %.1f ms, of which\n", ms(whole))
	for _, p := range []struct {
		name string
		part time.Duration
	}{
		{"start-up and end", table[startOnly].wall},
		{"HDF5 and schema", hdf5},
		{fmt.Sprintf("HTTP, %d requests, answers included", requests), calls},
		{"ledger", ledger},
		{"configuration, schemas, the rest", other},
	} {
		fmt.Printf("%8.1f ms %4.0f %%  %s\n", ms(p.part), 100*float64(p.part)/float64(whole), p.name)
	}
	all := r.daemon + r.children + r.bench
	each := func(d time.Duration) float64 { return ms(d) / float64(r.messages) }
	fmt.Printf("\nProcessor time for one message in the best round: %.1f ms, of which\n", each(all))
	for _, p := range []struct {
		name string
		part time.Duration
	}{
		{"child", r.children},
		{"daemon, its ledger, its Kafka client", r.daemon},
		{"broker, catalogue, bench", r.bench},
	} {
		fmt.Printf("%8.1f ms %4.0f %%  %s\n", each(p.part), 100*float64(p.part)/float64(all), p.name)
	}
	fmt.Printf("That is %.2f processors at work.\n\n", all.Seconds()/r.wall.Seconds())
	return nil
}

// hdf5 is the median time to open the file and evaluate its schema, with
// look-ups that cost nothing.
func (s *site) hdf5(ctx context.Context, runs int) (time.Duration, error) {
	schemas, err := metadata.LoadDirectory(s.schemas)
	if err != nil {
		return 0, err
	}
	schema, err := schemas.Select(s.file)
	if err != nil || schema == nil {
		return 0, errors.Join(err, fmt.Errorf("no schema selects %s", s.file))
	}
	var times []time.Duration
	for range runs {
		began := time.Now()
		file, err := nexus.Open(ctx, s.file, nexus.OpenOptions{})
		if err != nil {
			return 0, err
		}
		_, err = schema.Evaluate(ctx, metadata.Input{Path: s.file, File: file, Catalogue: known{}, Now: began, RunID: "bench"})
		if err := errors.Join(err, file.Close()); err != nil {
			return 0, err
		}
		times = append(times, time.Since(began))
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}

// known answers every look-up at once.
type known struct{}

func (known) Lookup(context.Context, string) ([]byte, error) {
	return []byte(`{"pi_firstname": "Ada", "pi_lastname": "Sjöberg", "pi_email": "ada@example.org"}`), nil
}

// answers are the requests as a child that logs everything tells them.
var answers = regexp.MustCompile(`catalogue answers.*\bdur=([0-9.]+[a-zµ]+)`)

// requests is how many requests a child makes, and the median of the time that it
// spends on them.
func (s *site) requests(ctx context.Context, runs int) (count int, each time.Duration, err error) {
	var times []time.Duration
	for range runs {
		if err := s.forget(); err != nil {
			return 0, 0, err
		}
		cmd := exec.CommandContext(ctx, s.offline, "-c", s.config, "--logging.logging-level", "DEBUG", s.file)
		cmd.Dir, cmd.Env = s.dir, os.Environ()
		out, err := cmd.CombinedOutput()
		if err != nil {
			return 0, 0, fmt.Errorf("%w\n%s", err, out)
		}
		found := answers.FindAllSubmatch(out, -1)
		count = len(found)
		var sum time.Duration
		for _, f := range found {
			one, err := time.ParseDuration(string(f[1]))
			if err != nil {
				return 0, 0, err
			}
			sum += one
		}
		times = append(times, sum)
	}
	slices.Sort(times)
	return count, times[len(times)/2], nil
}
