package main_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// soakVariable is how long the daemons are watched.
const soakVariable = "INGESTOR_SOAK"

// gauges are what must not grow, and by how much the median of the last third
// of a soak may exceed that of the middle one: a share, and something on top.
// Below are moments that a sample may meet, as a child that is starting.
var gauges = []struct {
	name       string
	share, top float64
}{
	{"resident memory, kB", 0.05, 2048},
	{"descriptors", 0, 2},
	{"threads", 0, 2},
	{"zombies", 0, 0},
	{"goroutines", 0, 3},
}

// Under a steady load, with failures of every kind but no faults of machines,
// daemons need no more at the end than in the middle.
func TestSoak(t *testing.T) {
	text := os.Getenv(soakVariable)
	if text == "" {
		t.Skipf("takes long: set %s=30m and %s=1, or use make soak", soakVariable, realVariable)
	}
	length, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("%s: %v", soakVariable, err)
	}
	const perSecond = 5
	c := newChaos(t, newPlan(chaosSeed(t), length, int(length.Seconds()*perSecond*9/10), partitions, nil), nil)
	for _, m := range c.fleet.machines {
		m.site.settings["health_check.metrics_address"], _ = freeAddress(t)
	}
	samples := make([][][]float64, len(c.fleet.machines)) // of each daemon, at each time, of each gauge
	c.run(func(ctx context.Context) {
		every := time.NewTicker(max(time.Second, length/400))
		defer every.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-every.C:
			}
			for i, m := range c.fleet.machines {
				s, err := sample(ctx, m.life, m.site.settings["health_check.metrics_address"].(string))
				if err != nil {
					if ctx.Err() == nil {
						c.timeline.add("%s: no sample: %v", m.life.name, err)
					}
					continue
				}
				samples[i] = append(samples[i], s)
			}
		}
	})
	for i, m := range c.fleet.machines {
		if len(samples[i]) < 30 {
			t.Errorf("%s: only %d samples", m.name, len(samples[i]))
			continue
		}
		for g, gauge := range gauges {
			third := len(samples[i]) / 3
			first, middle, last := median(samples[i][:third], g), median(samples[i][third:2*third], g), median(samples[i][2*third:], g)
			t.Logf("%s: %s: %.0f, %.0f, %.0f in the first, middle and last third", m.name, gauge.name, first, middle, last)
			if last > middle*(1+gauge.share)+gauge.top {
				t.Errorf("%s: %s grow from %.0f in the middle third to %.0f in the last", m.name, gauge.name, middle, last)
			}
		}
	}
}

func median(samples [][]float64, gauge int) float64 {
	var all []float64
	for _, s := range samples {
		all = append(all, s[gauge])
	}
	slices.Sort(all)
	return all[len(all)/2]
}

var (
	goroutinesPattern = regexp.MustCompile(`(?m)^go_goroutines (\d+)`)
	statusPattern     = regexp.MustCompile(`(?m)^(VmRSS|Threads):\s+(\d+)`)
)

// sample takes all gauges of a daemon.
func sample(ctx context.Context, l *life, metrics string) ([]float64, error) {
	proc := fmt.Sprintf("/proc/%d/", l.cmd.Process.Pid)
	status, err := os.ReadFile(proc + "status")
	if err != nil {
		return nil, err
	}
	values := map[string]float64{}
	for _, m := range statusPattern.FindAllStringSubmatch(string(status), -1) {
		values[m[1]], _ = strconv.ParseFloat(m[2], 64) // digits
	}
	descriptors, err := os.ReadDir(proc + "fd")
	if err != nil {
		return nil, err
	}
	zombies := 0
	for _, p := range childrenOf(l.cmd.Process.Pid) {
		if state, _, _, ok := stat(strconv.Itoa(p.pid)); ok && state == "Z" {
			zombies++
		}
	}
	page, err := get(ctx, "http://"+metrics+"/metrics")
	if err != nil {
		return nil, err
	}
	m := goroutinesPattern.FindStringSubmatch(page)
	if m == nil {
		return nil, fmt.Errorf("no go_goroutines in the metrics:\n%s", strings.Join(strings.Fields(page)[:min(40, len(strings.Fields(page)))], " "))
	}
	goroutines, err := strconv.ParseFloat(m[1], 64)
	return []float64{values["VmRSS"], float64(len(descriptors)), values["Threads"], float64(zombies), goroutines}, err
}

func get(ctx context.Context, url string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close() //nolint:errcheck // all is read
	text, err := io.ReadAll(resp.Body)
	return string(text), err
}
