package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ingestor/internal/nexus/nexustest"
	"ingestor/scicat/scicattest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// binary is the program under test.
var binary string

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := runTests(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// runTests builds the program as the Makefile does, unless INGESTOR_BIN names
// a folder with a built one.
func runTests(m *testing.M) (code int, err error) {
	if dir := os.Getenv("INGESTOR_BIN"); dir != "" {
		binary = filepath.Join(dir, name)
		return m.Run(), nil
	}
	dir, err := os.MkdirTemp("", name)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	// Other users start it too.
	syscall.Umask(0o022)
	if err := os.Chmod(dir, 0o755); err != nil {
		return 0, err
	}
	binary = filepath.Join(dir, name)
	build := exec.CommandContext(context.Background(), "go", "build", "-o", binary,
		"-ldflags", "-X ingestor/internal/buildinfo.version=9.8.7 -X ingestor/internal/buildinfo.commit=c0ffee", ".")
	if out, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return m.Run(), nil
}

const (
	testJob = "7d4b2c1e-5a0f-4f7b-9a54-2f6f0e9c3d10"
	testPID = "20.500.12269/" + testJob
	// secret is a token that nobody knows; it must not be printed.
	secret = "Tok3n-that-must-not-show"
)

// bench is a working folder with a configuration, a schema and a data file,
// and a catalogue.
type bench struct {
	t      *testing.T
	dir    string
	state  string // where state is kept, apart from dir
	server *scicattest.Server
	token  string
	config string // text of config.yml
	uid    uint32 // who runs the program; 0: we ourselves
	locked bool   // some of it may not be looked at
}

// dataFile is the content of a data file, made once.
var dataFile = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "run.hdf")
	if err := nexustest.Write(path, nexustest.Run(nexustest.RunInfo{JobID: testJob, Detector: [3]int{1, 8, 8}})); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, dir: t.TempDir(), state: t.TempDir()}
	// The folder that testing makes above them is for us alone.
	err := errors.Join(os.Chmod(filepath.Dir(b.dir), 0o755), os.Chmod(b.state, 0o777))
	if err != nil {
		t.Fatal(err)
	}
	if b.server, err = scicattest.New(scicattest.Options{}); err == nil {
		err = b.server.AddProposal(scicattest.Document{
			"proposalId": "443503", "pi_lastname": "Sjöberg", "email": "a@site.example",
			"ownerGroup": "ess", "accessGroups": []string{"globalaccess"},
		})
	}
	if err == nil {
		err = b.server.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.server.Close(); err != nil {
			t.Error(err)
		}
	})
	b.token = b.server.Token("ingestor")
	content, err := dataFile()
	if err != nil {
		t.Fatal(err)
	}
	b.write("raw/run.hdf", content)
	b.write("schemas/run.imsc.yml", b.schema("", ""))
	b.config = `dataset:
  default_instrument_id: odin-id
  default_proposal_id: '443503'
  default_owner_group: ess
  default_access_groups: [ingestor]
ingestion:
  schemas_directory: schemas
  file_handling:
    data_file_open_max_tries: 0
    save_file_hash: true
    file_path_type: absolute
scicat:
  host: @HOST@
  token: @TOKEN@
  max_retries: 1
  retry_delay: 1ms
  retry_max_delay: 2ms
`
	return b
}

// schema is the text of the schema with a change.
func (b *bench) schema(old, with string) []byte {
	b.t.Helper()
	text, err := os.ReadFile("testdata/run.imsc.yml")
	if err != nil {
		b.t.Fatal(err)
	}
	if !bytes.Contains(text, []byte(old)) {
		b.t.Fatalf("%q is not in the schema", old)
	}
	return bytes.Replace(text, []byte(old), []byte(with), 1)
}

// configure changes the configuration.
func (b *bench) configure(old, with string) {
	b.t.Helper()
	if !strings.Contains(b.config, old) {
		b.t.Fatalf("%q is not in the configuration", old)
	}
	b.config = strings.Replace(b.config, old, with, 1)
}

func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

func (b *bench) write(name string, content []byte) {
	b.t.Helper()
	if err := os.MkdirAll(filepath.Dir(b.path(name)), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(b.path(name), content, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// command is the program with the bench's folder as the current one.
func (b *bench) command(args ...string) *exec.Cmd {
	b.t.Helper()
	text := strings.ReplaceAll(b.config, "@HOST@", b.server.BaseURL())
	b.write("config.yml", []byte(strings.ReplaceAll(text, "@TOKEN@", b.token)))
	// The context only guards against a program that never ends.
	ctx, cancel := context.WithTimeout(b.t.Context(), time.Minute)
	b.t.Cleanup(cancel)
	c := exec.CommandContext(ctx, binary, args...)
	c.Dir = b.dir
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + b.dir, "XDG_STATE_HOME=" + b.state, "TZ=UTC"}
	if b.uid != 0 {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: b.uid, Gid: b.uid}}
	}
	return c
}

// ended is how a run ended.
type ended struct {
	exit           int
	stdout, stderr string
}

func (b *bench) run(args ...string) ended {
	b.t.Helper()
	return b.end(b.command(args...))
}

func (b *bench) end(c *exec.Cmd) ended {
	b.t.Helper()
	return b.endAfter(c, func() {})
}

// endAfter does something while the program runs.
func (b *bench) endAfter(c *exec.Cmd, meanwhile func()) ended {
	b.t.Helper()
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	err := c.Start()
	if err == nil {
		meanwhile()
		err = c.Wait()
	}
	var exit *exec.ExitError
	if b.uid != 0 && errors.Is(err, os.ErrPermission) {
		b.t.Skip("the program lies where only we can start it: ", err)
	}
	if err != nil && !errors.As(err, &exit) {
		b.t.Fatal(err)
	}
	return b.checked(ended{c.ProcessState.ExitCode(), stdout.String(), stderr.String()})
}

// checked wants what every run must keep to: no secret and no stack trace.
func (b *bench) checked(e ended) ended {
	b.t.Helper()
	for _, bad := range []string{b.token, secret, "goroutine ", "panic:", ".go:"} {
		if bad != "" && strings.Contains(e.stdout+e.stderr, bad) {
			b.t.Errorf("%q is printed:\n%s%s", bad, e.stdout, e.stderr)
		}
	}
	return e
}

var (
	lineHead = regexp.MustCompile(`(?m)^SFI - [-0-9]{10} [0-9:,]{12} - offline-ingestor\[\d+\] - `)
	seconds  = regexp.MustCompile(`\d+\.\d+ s$|"seconds":[0-9.e-]+`)
	block    = regexp.MustCompile(`("datablock":"|datablock=)[0-9a-f-]{36}`)
)

// fileFacts take out of a text what is only true of files made just now, by
// the libhdf5 of this machine.
var fileFacts = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`"time": ?"[-0-9]{10}T[0-9:]{8}\.000Z"`), `"time":"@CTIME@"`},
	{regexp.MustCompile(`"(uid|gid)": ?"\d+"`), `"$1":"@ID@"`},
	{regexp.MustCompile(`"chk": ?"[0-9a-f]{128}"`), `"chk":"@BLAKE2B@"`},
	{regexp.MustCompile(`"(size|bytes)": ?[1-9]\d+`), `"$1":"@BYTES@"`},
	{regexp.MustCompile(`\d+\.\d kB`), `@KB@`},
	{regexp.MustCompile(`(ingestor_run_id +built-in +|\bnow +built-in +|<now> +date +)"[^"]*"`), `$1"@NOW@"`},
	{regexp.MustCompile(`of \d+ bytes are there`), `of @BYTES@ bytes are there`},
}

// plain takes out of a text what differs from run to run.
func (b *bench) plain(text string) string {
	text = lineHead.ReplaceAllString(text, "")
	text = strings.ReplaceAll(text, b.server.URL(), "@URL@")
	text = strings.ReplaceAll(text, strings.TrimPrefix(b.server.URL(), "http://"), "@ADDRESS@")
	text = strings.ReplaceAll(text, b.dir, "@DIR@")
	text = block.ReplaceAllString(text, "${1}@ID@")
	text = strings.ReplaceAll(text, fmt.Sprintf("uid %d, gid %d", os.Geteuid(), os.Getegid()), "uid 65534, gid 65534")
	for _, f := range fileFacts {
		text = f.pattern.ReplaceAllString(text, f.with)
	}
	var out strings.Builder
	for line := range strings.Lines(text) {
		out.WriteString(seconds.ReplaceAllStringFunc(strings.TrimSuffix(line, "\n"), func(s string) string {
			if strings.HasPrefix(s, `"`) {
				return `"seconds":@SECONDS@`
			}
			return "@SECONDS@"
		}) + "\n")
	}
	return out.String()
}

// golden compares a run with a file below testdata.
func (b *bench) golden(name string, e ended) {
	b.t.Helper()
	got := fmt.Sprintf("exit %d\n--- stdout\n%s--- stderr\n%s", e.exit, b.plain(e.stdout), b.plain(e.stderr))
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			b.t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		b.t.Fatal(err)
	}
	if got != string(want) {
		b.t.Errorf("%s differs (-update rewrites it); got:\n%s", path, got)
	}
}

// wantStored is what the catalogue must hold.
func (b *bench) wantStored(datasets, blocks int) {
	b.t.Helper()
	if d, k := len(b.server.Datasets()), len(b.server.Datablocks("")); d != datasets || k != blocks {
		b.t.Errorf("the catalogue holds %d datasets and %d datablocks, want %d and %d", d, k, datasets, blocks)
	}
}

// tree lists the files of the bench.
func (b *bench) tree() string {
	b.t.Helper()
	var names []string
	err := filepath.WalkDir(b.dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, strings.TrimPrefix(path, b.dir+"/"))
		}
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return strings.Join(names, " ")
}
