// Command bench shows what one offline ingestion costs a machine: time from
// start to exit, processor time and peak memory, against the in-memory
// catalogue. It asserts nothing; compare its figures, not single numbers.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

func main() {
	ingestor := flag.String("ingestor", "bin/offline-ingestor", "the program")
	shared := flag.String("shared", "", "reference folder; its small-coda.hdf is used when there")
	runs := flag.Int("n", 40, "runs")
	flag.Parse()
	if err := run(context.Background(), *ingestor, *shared, *runs); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

const (
	startOnly = "start and end (--version)"
	// peerWall, in ms, and peerRSS, in MB, are what scicat-ingestor, the Python
	// program, takes to register small-coda.hdf; it was measured on another day.
	peerWall, peerRSS = 480.0, 57.0
)

func run(ctx context.Context, ingestor, shared string, runs int) (err error) {
	site, err := newSite(ctx, shared)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, site.close()) }()
	ingestor, err = filepath.Abs(ingestor)
	if err != nil {
		return err
	}
	fmt.Printf("%s, %d runs each, file %s\n\n", ingestor, runs, site.file)
	fmt.Printf("%-34s %24s %20s %14s\n", "", "wall ms min/median/max", "cpu ms median", "peak RSS MB")
	for _, c := range []struct {
		name string
		args []string
	}{
		{startOnly, []string{"--version"}},
		{"dry run", []string{"-c", site.config, "--ingestion.dry-run", site.file}},
		{"register a new file", []string{"-c", site.config, site.file}},
		{"find it registered", []string{"-c", site.config, site.file}},
	} {
		var walls, cpus []time.Duration
		var rss int64
		for i := range runs + 1 {
			if c.name == "register a new file" {
				if err := site.forget(); err != nil {
					return err
				}
			}
			start := time.Now()
			cmd := exec.CommandContext(ctx, ingestor, c.args...)
			cmd.Dir = site.dir
			out, err := cmd.CombinedOutput()
			if err != nil {
				return fmt.Errorf("%s: %w\n%s", c.name, err, out)
			}
			if i == 0 {
				continue // warm-up
			}
			walls = append(walls, time.Since(start))
			cpus = append(cpus, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
			if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
				rss = max(rss, u.Maxrss*1024)
			}
		}
		slices.Sort(walls)
		slices.Sort(cpus)
		ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
		fmt.Printf("%-34s %8.1f %7.1f %7.1f %20.1f %14.1f\n", c.name,
			ms(walls[0]), ms(walls[len(walls)/2]), ms(walls[len(walls)-1]), ms(cpus[len(cpus)/2]), float64(rss)/1e6)
	}
	fmt.Printf("%-34s %16.0f %28s %14.1f\n\n", "scicat-ingestor: register", peerWall, "", peerRSS)
	fmt.Println("docs/performance.md says where the time goes.")
	return nil
}
