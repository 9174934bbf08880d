package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"ingestor/configs"
	"ingestor/internal/fault"
	"ingestor/offline/backfill/tree"
)

// chosenJob is what a run is about.
type chosenJob struct {
	configs.BackfillJob
	// part says that the command line restricts it; base is then the root of the job
	// in which a folder lies.
	part bool
	base map[string]string
}

// chooseJob finds the job of a command line.
func chooseJob(cfg *configs.Config, name string, folders []string) (chosenJob, error) {
	roots := make([]string, len(folders))
	for i, f := range folders {
		abs, err := filepath.Abs(f)
		if err != nil {
			return chosenJob{}, fault.Errorf(fault.Usage, "folder %q: %w", f, err)
		}
		roots[i] = abs
	}
	known := slices.Sorted(maps.Keys(cfg.Backfill.Jobs))
	switch {
	case name == "" && len(roots) > 0:
		job := configs.DefaultBackfillJob()
		slices.Sort(roots)
		job.Roots = slices.Compact(roots)
		job.Name = nameOf(job.Roots)
		return chosenJob{BackfillJob: job}, nil
	case name == "" && len(known) == 0:
		return chosenJob{}, fault.Errorf(fault.Usage, "no folder to look into: name one, or add a job to the section backfill of the configuration")
	case name == "" && len(known) > 1:
		return chosenJob{}, fault.Errorf(fault.Usage, "which job? --job takes one of %s", strings.Join(known, ", "))
	case name == "":
		name = known[0]
	}
	job, found := cfg.Backfill.Jobs[name]
	if !found {
		return chosenJob{}, fault.Errorf(fault.Usage, "--job %s: there is no such job in the section backfill%s", name, listed(known))
	}
	if len(roots) == 0 {
		return chosenJob{BackfillJob: job}, nil
	}
	base := make(map[string]string, len(roots))
	for _, r := range roots {
		var err error
		if base[r], err = baseOf(&job, r); err != nil {
			return chosenJob{}, err
		}
	}
	job.Roots = roots
	return chosenJob{BackfillJob: job, part: true, base: base}, nil
}

// baseOf is the root of a job from which a folder is looked into.
func baseOf(job *configs.BackfillJob, folder string) (string, error) {
	err := fault.Errorf(fault.Usage, "%s is no part of job %s, which looks into %s", folder, job.Name, strings.Join(job.Roots, " "))
	for _, root := range job.Roots {
		if !tree.Within(folder, root) {
			continue
		}
		why := tree.LeftOut(folder, root, job.Exclude)
		if why == "" {
			return filepath.Clean(root), nil
		}
		err = fault.Errorf(fault.Usage, "%s is no part of job %s: %s", folder, job.Name, why)
	}
	return "", err
}

func listed(names []string) string {
	if len(names) == 0 {
		return ", which has none"
	}
	return "; there is " + strings.Join(names, ", ")
}

// nameOf is the name of a job that is made of folders only.
func nameOf(roots []string) string {
	sum := sha256.Sum256([]byte(strings.Join(roots, "\x00")))
	base := strings.Map(func(r rune) rune {
		if r < 0x80 && (r == '-' || r == '_' || r == '.' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z') {
			return r
		}
		return '_'
	}, filepath.Base(roots[0]))
	const most = 40
	return base[:min(len(base), most)] + "-" + hex.EncodeToString(sum[:4])
}

// selection stands for what a job looks for.
func (j *chosenJob) selection() (string, error) {
	roots := slices.Clone(j.Roots)
	slices.Sort(roots)
	text, err := json.Marshal([][]string{roots, j.Include, j.Exclude})
	if err != nil {
		return "", fmt.Errorf("describe job %s: %w", j.Name, err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8]), nil
}

// rulesChanged is when schemas or configuration were last changed, on the disk:
// a file of an old date that was copied there today counts from today.
func rulesChanged(cfg *configs.Config) time.Time {
	var last time.Time
	look := func(path string) {
		if t, known := changedAt(path); known && t.After(last) {
			last = t
		}
	}
	look(cfg.ConfigFile)
	look(cfg.Ingestion.SchemasDirectory)
	look(cfg.Ingestion.FallbackSchemaFilePath)
	entries, err := os.ReadDir(cfg.Ingestion.SchemasDirectory)
	if err != nil {
		return last // the workers say so
	}
	for _, e := range entries {
		look(filepath.Join(cfg.Ingestion.SchemasDirectory, e.Name()))
	}
	return last
}

// changedAt is when anything of a file was changed: content, name or rights.
func changedAt(path string) (time.Time, bool) {
	if path == "" {
		return time.Time{}, false
	}
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}, false
	}
	t := info.ModTime()
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		if c := time.Unix(st.Ctim.Unix()); c.After(t) {
			t = c
		}
	}
	return t, true
}
