// Command bench shows what the ingestor costs a machine: one file from start to
// exit, the messages that the daemon gets done in a second with where the time
// goes, and the daemon at rest and before a heap of messages. Broker and
// catalogue run on the same machine, in memory. It asserts nothing; compare its
// figures, not single numbers.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// options are what the command line asks for.
type options struct {
	offline, online, shared string
	runs, messages, rounds  int
	heap                    int
	rest                    time.Duration
	only                    string
	real                    bool
}

func main() {
	var o options
	flag.StringVar(&o.offline, "ingestor", "bin/offline-ingestor", "the offline ingestor")
	flag.StringVar(&o.online, "online", "bin/online-ingestor", "the daemon")
	flag.StringVar(&o.shared, "shared", "", "reference folder; its small-coda.hdf is used when there")
	flag.IntVar(&o.runs, "n", 40, "runs of the offline ingestor")
	flag.IntVar(&o.messages, "messages", 500, "messages for the daemon, each with a file of its own")
	flag.IntVar(&o.rounds, "rounds", 3, "times that the daemon gets them; the best is told, and all")
	flag.IntVar(&o.heap, "heap", 100_000, "messages of the heaps")
	flag.DurationVar(&o.rest, "rest", 20*time.Second, "how long the daemon at rest is watched")
	flag.StringVar(&o.only, "only", "", "some of: "+strings.Join(partNames(), ",")+" (default all)")
	flag.BoolVar(&o.real, "real", false, "Apache Kafka (Java, Maven) instead of the embedded broker")
	flag.Parse()
	if err := run(context.Background(), o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// parts are what can be measured, in order.
var parts = []struct {
	name string
	run  func(context.Context, *site, options) error
}{
	{"file", oneFile},
	{"messages", throughput},
	{"rest", atRest},
	{"pending", pending},
	{"garbage", garbage},
}

func partNames() []string {
	names := make([]string, len(parts))
	for i, p := range parts {
		names[i] = p.name
	}
	return names
}

func run(ctx context.Context, o options) (err error) {
	wanted := partNames()
	if o.only != "" {
		wanted = strings.Split(o.only, ",")
	}
	for _, w := range wanted {
		if !slices.Contains(partNames(), w) {
			return fmt.Errorf("-only %s: not one of %s", w, strings.Join(partNames(), ", "))
		}
	}
	for _, program := range []*string{&o.offline, &o.online} {
		if *program, err = filepath.Abs(*program); err != nil {
			return err
		}
	}
	site, err := newSite(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, site.close()) }()
	for _, p := range parts {
		if !slices.Contains(wanted, p.name) {
			continue
		}
		if err := p.run(ctx, site, o); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	fmt.Println("docs/performance.md says where the time goes.")
	return nil
}

func oneFile(ctx context.Context, s *site, o options) error {
	table, err := s.costs(ctx, o.runs)
	if err != nil {
		return err
	}
	s.tellCosts(table)
	return nil
}
