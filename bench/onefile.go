package main

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"syscall"
	"time"
)

// cost is what one way to run the offline ingestor takes.
type cost struct {
	name                        string
	fastest, wall, slowest, cpu time.Duration // wall and cpu are medians
	rss                         int64         // bytes, the highest
}

// peerWall, in ms, and peerRSS, in MB, are what scicat-ingestor, the Python
// program, takes to register small-coda.hdf; it was measured on another day.
const peerWall, peerRSS = 480.0, 57.0

// The cases of costs, in order.
const (
	startOnly = iota
	dryRun
	registerNew
	registerAgain
	registerUnnoted
)

// costs runs the offline ingestor again and again, one at a time.
func (s *site) costs(ctx context.Context, runs int) ([]cost, error) {
	var table []cost
	for i, c := range []struct {
		name string
		args []string
	}{
		startOnly:       {"start and end (--version)", []string{"--version"}},
		dryRun:          {"dry run", []string{"-c", s.config, "--ingestion.dry-run", s.file}},
		registerNew:     {"register a new file", []string{"-c", s.config, s.file}},
		registerAgain:   {"find it registered", []string{"-c", s.config, s.file}},
		registerUnnoted: {"register, without ledger", []string{"-c", s.config, "--ingestion.state-directory", "/dev/null/none", s.file}},
	} {
		one, err := s.cost(ctx, c.args, runs, i == registerNew || i == registerUnnoted)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		one.name = c.name
		table = append(table, one)
	}
	return table, nil
}

// cost runs it with these arguments, each time with an empty catalogue if asked.
func (s *site) cost(ctx context.Context, args []string, runs int, empty bool) (c cost, err error) {
	var walls, cpus []time.Duration
	for i := range runs + 1 {
		if empty {
			if err := s.forget(); err != nil {
				return c, err
			}
		}
		start := time.Now()
		cmd := exec.CommandContext(ctx, s.offline, args...)
		cmd.Dir = s.dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			return c, fmt.Errorf("%w\n%s", err, out)
		}
		if i == 0 {
			continue // warm-up
		}
		walls = append(walls, time.Since(start))
		cpus = append(cpus, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
		if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
			c.rss = max(c.rss, u.Maxrss*1024)
		}
	}
	slices.Sort(walls)
	slices.Sort(cpus)
	c.fastest, c.wall, c.slowest, c.cpu = walls[0], walls[len(walls)/2], walls[len(walls)-1], cpus[len(cpus)/2]
	return c, nil
}

func (s *site) tellCosts(table []cost) {
	fmt.Printf("One file: %s, file %s\n\n", s.offline, s.file)
	fmt.Printf("%-34s %24s %20s %14s\n", "", "wall ms min/median/max", "cpu ms median", "peak RSS MB")
	for _, c := range table {
		fmt.Printf("%-34s %8.1f %7.1f %7.1f %20.1f %14.1f\n", c.name,
			ms(c.fastest), ms(c.wall), ms(c.slowest), ms(c.cpu), float64(c.rss)/1e6)
	}
	fmt.Printf("%-34s %16.0f %28s %14.1f\n\n", "scicat-ingestor: register", peerWall, "", peerRSS)
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
