package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ingestor/configs"
	"ingestor/internal/fault"
	"ingestor/internal/treetest"
	"ingestor/offline/backfill"
)

// below is a share that is mounted on an instrument's folder, below the root.
func below(t *testing.T) (*share, *bed) {
	t.Helper()
	s := newShare(t)
	s.away()
	data := filepath.Join(t.TempDir(), "data")
	s.dir = filepath.Join(data, "odin")
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s.back()
	return s, newBed(t, treetest.Options{Files: 300, Plain: true, Root: data})
}

// A share below the root that is unmounted is told as the root itself is.
func TestBackfillShareBelowAway(t *testing.T) {
	for name, away := range map[string]func(b *bed, s *share) outcomeOfRun{
		"in the middle": func(b *bed, s *share) outcomeOfRun {
			b.atDataset(50, s.away)
			return b.backfill()
		},
		"between two runs": func(b *bed, s *share) outcomeOfRun {
			b.backfill("--limit", "100")
			s.away()
			return b.backfill()
		},
		"between two whole runs": func(b *bed, s *share) outcomeOfRun {
			b.backfill()
			s.away()
			return b.backfill()
		},
		"a part": func(b *bed, s *share) outcomeOfRun {
			b.backfill()
			s.away()
			return b.backfill(s.dir)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, b := below(t)
			e := away(b, s)
			t.Log(e)
			b.wantSaid(e, 69, "mounted on "+s.dir)
			if e.Counts[backfill.Failed] != 0 {
				t.Errorf("it is no file's fault: %v", e.Counts)
			}
			b.around(nil, nil)
			b.wantSaid(b.backfill(), 69, "mounted on "+s.dir) // still away
			if part := b.backfill(filepath.Join(b.data, "loki")); part.exit != 0 {
				t.Errorf("a part elsewhere: %s\n%s", part, lastLines(part.stderr))
			}
			s.back()
			b.wantCompleted()
		})
	}
}

// What a state knows of mounts is exported, and imported elsewhere is still asked for.
func TestBackfillShareBelowAway_IsKnownToAnImportedState(t *testing.T) {
	s, b := below(t)
	b.backfill("--limit", "1")
	state := func(args ...string) string {
		l := b.beginProgram(append([]string{"backfill", "state", args[0], "-c", "config.yml", "--job", "nightly"}, args[1:]...)...)
		<-l.done
		if code := l.cmd.ProcessState.ExitCode(); code != 0 {
			t.Fatalf("%v: exit %d\n%s", args, code, &l.stderr)
		}
		return l.stdout.String()
	}
	text := state("export")
	if !strings.Contains(text, `"odin"`) {
		t.Errorf("no mount point in\n%s", text)
	}
	b.write("state.json", []byte(text))
	state("reset")
	state("import", "state.json")
	if again := state("export"); again != text {
		t.Errorf("got\n%swant\n%s", again, text)
	}
	s.away()
	b.wantSaid(b.backfill(), 69, "mounted on "+s.dir)
	var older map[string]any
	if err := json.Unmarshal([]byte(text), &older); err != nil {
		t.Fatal(err)
	}
	older["state"] = map[string]any{"job": "nightly", "roots": map[string]any{b.data: map[string]any{"device": 1, "mount_point": "/", "files": 2}}}
	old, err := json.Marshal(older)
	if err != nil {
		t.Fatal(err)
	}
	b.write("state.json", old)
	state("reset")
	state("import", "state.json") // of an older version
	b.wantSaid(b.backfill(), 0)
}

// A part is looked at as the job looks at it.
func TestBackfillPart_IsSubjectToThePatternsOfTheJob(t *testing.T) {
	b := newBed(t, treetest.Options{Files: 30, Plain: true})
	var whole []treetest.File
	for _, f := range b.tree.Files {
		if strings.HasPrefix(f.Path, b.data+"/loki/") {
			whole = append(whole, f)
		}
	}
	if len(whole) == 0 {
		t.Fatal("the tree has no such files")
	}
	b.config = strings.Replace(b.config, "      min_age: 30m\n", "      min_age: 30m\n      include: ['loki/*/*/*.hdf', 'dream/*.hdf']\n      exclude: [odin]\n", 1)
	in := func(name string) outcomeOfRun { return b.backfill(filepath.Join(b.data, name)) }
	b.wantSaid(in("odin"), 2, b.data+"/odin is no part of job nightly", `"odin" excludes`)
	in("dream").wantCounts(t, 0, nil)
	in("loki").wantCounts(t, 0, map[backfill.Count]int{backfill.Registered: len(whole)})
	b.backfill().wantCounts(t, 0, map[backfill.Count]int{backfill.Known: len(whole)})
	b.wantOnce(whole)
}

func TestChooseJob_APartThatTheJobDoesNotLookIntoIsNone(t *testing.T) {
	for _, c := range []struct{ part, base, wrong string }{
		{"/data", "/data", ""},
		{"/data/raw/x", "/data", ""},
		{"/data/odin", "", `"odin" excludes /data/odin`},
		{"/data/x/odin/y", "", `"odin" excludes /data/x/odin`},
		{"/data/test/x/y", "", `"test/*" excludes /data/test/x`},
		{"/data/.old/x", "", "/data/.old is hidden"},
		{"/data/odin/own/x", "/data/odin/own", ""}, // a root of its own
		{"/elsewhere", "", "which looks into /data /data/odin/own"},
	} {
		job := configs.BackfillJob{Name: "nightly", Roots: []string{"/data", "/data/odin/own"}, Exclude: []string{"odin", "test/*"}}
		cfg := &configs.Config{}
		cfg.Backfill.Jobs = map[string]configs.BackfillJob{"nightly": job}
		got, err := chooseJob(cfg, "nightly", []string{c.part})
		if c.wrong != "" {
			if err == nil || fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), c.wrong) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: %v, want %s", c.part, err, c.wrong)
			}
			continue
		}
		if err != nil || got.base[c.part] != c.base || !got.part {
			t.Errorf("%s: %+v, %v", c.part, got, err)
		}
	}
}
