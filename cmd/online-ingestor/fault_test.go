package main_test

// Each fault of the peer, (a) to (l) and F1 to F14 of the specification of the
// online ingestor, has a scenario of that name in the suites TestEmbedded and
// TestReal (suite_test.go). All of them run the real programs, with a real child
// wherever the fault is about a file or the catalogue.
//
//	(a) a failed file is never tried again      FaultA_FailedFileIsTriedAgain
//	(b) commits pass work that is not finished  FaultB_NoCommitPassesUnfinishedWork, FaultB_KilledWhileChildrenRun
//	(c) SIGTERM ends it at once                 FaultC_TermWhileChildrenRun, FaultC_F11_TermAndIntWhileIdle
//	(d) a hung child keeps its slot             FaultD_HungChildKeepsNoSlot
//	(e) full for longer than the poll interval  FaultE_FullPoolLongerThanMaxPollInterval
//	(f) 200 [] counts as "exists"               FaultF_EmptyListIsNotFound
//	(g) dataset without datablock               FaultG_DatasetWithoutDatablockIsRepaired
//	(h) the fallback schema is not used         FaultH_FallbackSchemaIsUsed
//	(i) relative paths, hash files              FaultI_F1_RelativePathsAndHashFile
//	(j) message_to_file kills the daemon        FaultJ_F10_MessageFile
//	(k) garbage, tombstones, NUL                FaultK_EveryFileOnceAmongGarbage, PromisePoison…
//	(l) pl72                                    FaultL_RunStartsAreIgnored
//	F1  relative and source_folder              FaultI_F1_RelativePathsAndHashFile
//	F2  individual_message_commit               FaultF2_IndividualMessageCommit
//	F3  timeout: 0                              FaultF3_TimeoutZero
//	F4  sample_attachment                       FaultF4_SampleAttachment
//	F5  NaN, odd units                          FaultF5_F12_NaNUnitsAndTextArrays
//	F6  allow_dataset_pid: false                FaultF6_CatalogueAssignsThePID
//	F7  one bad schema file                     FaultF7_F8_BadSchemaFile
//	F8  unknown keys and operators              FaultF7_F8_BadSchemaFile, FaultF8_UnknownKey
//	F9  the pid check believes 401 and 500      FaultF9_PIDCheckBelievesNoError
//	F10 message_to_file                         FaultJ_F10_MessageFile
//	F11 restart gap                             FaultC_F11_TermAndIntWhileIdle, FaultC_TermWhileChildrenRun
//	F12 arrays of text                          FaultF5_F12_NaNUnitsAndTextArrays
//	F13 log file cut by each child              FaultF13_LogFileIsKept
//	F14 overrides do not reach children         FaultF14_OverridesReachChildren

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"ingestor/schemas/filewriter"
	"ingestor/scicat/scicattest"
)

// (a) A file that fails is tried again, also by the next daemon, and no commit
// passes it meanwhile. The failure is told when it happens.
func failedFileIsTriedAgain(t *testing.T, b *broker, _ scale) {
	s := newSite(t, b, 1)
	in := s.standIn(`[ "$name" = bad ] && [ ! -e "$dir/mended" ] && exit 1`)
	for _, key := range []string{"ingestion.retry_delay", "ingestion.retry_max_delay"} {
		s.settings[key] = "1h"
	}
	s.send(1, s.calledAll("bad", "good1", "good2")...)
	d := s.start()
	await(t, "the good files", func() bool { return d.outcomes("registered") == 2 || d.ended() }, d)
	d.awaitSays("Offline ingestor failed; trying again later", "bad")
	stays(t, time.Second, "nothing committed", func() bool { return s.committedOffset() == 0 }, d)
	d.signal(syscall.SIGKILL)
	d.exit()

	in.leave("mended", "")
	next := s.start()
	await(t, "all files", func() bool { return next.outcomes("registered") == 3 || next.ended() }, next)
	s.finish(next)
	if got := in.starts()["bad"]; got != 2 {
		t.Errorf("the file was tried %d times", got)
	}
}

// (b) What ends early is not committed before what began earlier, and a kill -9
// loses none of it.
func noCommitPassesUnfinishedWork(t *testing.T, b *broker, _ scale) {
	s := newSite(t, b, 1)
	slow := s.measure()
	s.catalogue.delay("GET", strings.ReplaceAll(slow.job, "-", "."), time.Minute)
	others := s.measureAll(5)
	s.announce(append([]run{slow}, others...)...)
	d := s.start()
	await(t, "the other files", func() bool { return s.catalogue.registered(others...) || d.ended() }, d)
	stays(t, 1500*time.Millisecond, "nothing committed", func() bool { return s.committedOffset() == 0 }, d)
	d.signal(syscall.SIGKILL)
	d.exit()
	s.catalogue.ClearFaults()
	next := s.start()
	await(t, "the slow file", func() bool { return s.catalogue.registered(slow) || next.ended() }, next)
	s.finish(next)
	s.catalogue.checkOnce(append(others, slow)...)
}

// (e) All children busy for longer than max.poll.interval.ms: the daemon stays
// in its group, and nothing is done twice.
func fullPoolLongerThanMaxPollInterval(t *testing.T, b *broker, _ scale) {
	s := newSite(t, b, 1)
	interval := b.sessionTime() + time.Second
	s.property("max.poll.interval.ms", int(interval.Milliseconds()))
	d, runs := s.busy("POST", "/datasets", interval+b.sessionTime())
	s.catalogue.ClearFaults() // the four that wait go on waiting
	d.awaitSays("Health check server started")
	began := time.Now()
	await(t, "the end of the four", func() bool {
		if n, err := b.admin.Members(t.Context(), s.group); err == nil && n != 1 {
			t.Fatalf("the group has %d members after %s\n%s", n, time.Since(began), d)
		}
		return s.catalogue.registered(runs[:4]...) || d.ended()
	}, d)
	if took := time.Since(began); took < interval {
		t.Fatalf("they ended after %s: the test shows nothing", took)
	}
	await(t, "all files", func() bool { return s.catalogue.registered(runs...) || d.ended() }, d)
	s.finish(d)
	s.catalogue.checkOnce(runs...)
	if d.times("partitions assigned") != 1 || d.says("MAXPOLL") || d.says("max.poll") || d.says("MAX_POLL") {
		t.Errorf("it has left its group\n%s", d)
	}
	if n := s.catalogue.count("POST", "/datasets"); n != len(runs) {
		t.Errorf("%d datasets were posted, of %d files", n, len(runs))
	}
}

// (f) Both checks are on by default. A list without datasets says that there is
// none.
func emptyListIsNotFound(t *testing.T, b *broker, _ scale) {
	s := newSite(t, b, 1)
	r := s.measure()
	s.announce(r)
	d := s.start()
	await(t, "the dataset", func() bool { return s.catalogue.registered(r) || d.ended() }, d)
	s.finish(d)
	s.catalogue.checkOnce(r)
	asked := slices.ContainsFunc(s.catalogue.Requests(), func(q scicattest.Request) bool {
		return q.Method == "GET" && q.Status == 200 && strings.Contains(q.Target, "/datasets?") && strings.Contains(q.Target, r.job)
	})
	if !asked {
		t.Error("the catalogue was not asked by metadata: the test shows nothing")
	}
}

// (g) A dataset whose datablock the catalogue refused is completed.
func datasetWithoutDatablockIsRepaired(t *testing.T, b *broker, _ scale) {
	s := newSite(t, b, 1)
	if err := s.catalogue.AddFault(scicattest.Fault{Method: "POST", PathPattern: "/origdatablocks$", Status: 500, Body: "Internal server error"}); err != nil {
		t.Fatal(err)
	}
	runs := s.measureAll(3)
	s.announce(runs...)
	d := s.start()
	d.awaitSays("Intake held", "hold=catalogue-down")
	if len(s.catalogue.Datasets()) == 0 || len(s.catalogue.Datablocks("")) > 0 {
		t.Errorf("%d datasets, %d datablocks: the test shows nothing", len(s.catalogue.Datasets()), len(s.catalogue.Datablocks("")))
	}
	d.signal(syscall.SIGKILL) // what the daemon knows does not matter
	d.exit()
	s.catalogue.ClearFaults()
	next := s.start()
	await(t, "all datablocks", func() bool { return s.catalogue.registered(runs...) || next.ended() }, next)
	s.finish(next)
	s.catalogue.checkOnce(runs...)
	if d.outcomes("dead_lettered")+next.outcomes("dead_lettered") > 0 {
		t.Errorf("given up\n%s\n%s", d, next)
	}
}

// (l) Run starts, whole, cut or damaged, are not for us.
func runStartsAreIgnored(t *testing.T, b *broker, _ scale) {
	s := newSite(t, b, 1)
	start := filewriter.RunStart{JobID: "j", FileName: filepath.Join(s.dir, "odin", "raw", "run_0001.hdf"), NexusStructure: `{"children": []}`}.Encode()
	damaged := bytes.Clone(start)
	for i := 8; i < len(damaged); i += 3 {
		damaged[i] ^= 0xff
	}
	r := s.measure()
	s.send(1, start, start[:8], start[:len(start)/2], damaged, nil, r.written())
	d := s.start()
	await(t, "the dataset", func() bool { return s.catalogue.registered(r) || d.ended() }, d)
	s.finish(d)
	if sums := d.sums(); sums["ignored"] != 5 || sums["registered"] != 1 {
		t.Errorf("sums %v\n%s", sums, d)
	}
	if n := s.catalogue.count("POST", "/samples"); n > 0 {
		t.Errorf("%d samples were made", n)
	}
}

// F13: daemon and children append to one log file, and each line says whose it
// is.
func logFileIsKept(t *testing.T, b *broker, _ scale) {
	s := newSite(t, b, 1)
	s.settings["logging.file_log"] = true
	s.settings["logging.file_log_base_name"] = filepath.Join(s.dir, "ingestor")
	earlier := "this line was there before\n"
	path := s.write("ingestor_.log", []byte(earlier))
	runs := s.measureAll(3)
	s.announce(runs...)
	d := s.start()
	await(t, "all files", func() bool { return s.catalogue.registered(runs...) || d.ended() }, d)
	s.finish(d)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for what, want := range map[string]int{
		earlier: 1, "Starting the online ingestor": 1, "Metadata schema selected": 3, "Stopped": 1,
		runs[0].job: 1, runs[1].job: 1, runs[2].job: 1,
	} {
		if n := strings.Count(string(text), what); n < want {
			t.Errorf("%q is there %d times, not %d", what, n, want)
		}
	}
	for _, program := range []string{"online-ingestor[", "offline-ingestor["} {
		if !strings.Contains(string(text), " - "+program) {
			t.Errorf("no line is of %s]:\n%s", program, text[:min(len(text), 3000)])
		}
	}
}
