package configs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestSources_AreReadWithTheirDefaults(t *testing.T) {
	loaded := must(t, Online, host+`
sources:
  directories:
  - path: /data//raw/
  - path: /other
    include: a.*, .b
    exclude: [tmp]
    settle: 5
    scan_every: 10m
    recursive: false
  kafka:
  - {name: two, topics: ' x , y', bootstrap_servers: [a:1, b:1], group_id: g}
`, nil, nil)
	d := loaded.Config.Sources.Directories
	if d[0].Path != "/data/raw" || strings.Join(d[0].Include, " ") != "*.hdf *.nxs *.h5" || len(d[0].Exclude) > 0 ||
		d[0].Settle != 30*time.Second || d[0].ScanEvery != 5*time.Minute || !d[0].Recursive {
		t.Errorf("got %+v", d[0])
	}
	if strings.Join(d[1].Include, " ") != "a.* .b" || d[1].Exclude[0] != "tmp" || d[1].Settle != 5*time.Second || d[1].ScanEvery != 10*time.Minute || d[1].Recursive {
		t.Errorf("got %+v", d[1])
	}
	k := loaded.Config.Sources.Kafka[0]
	if k.Name != "two" || strings.Join(k.Topics, " ") != "x y" || k.AutoOffsetReset != "earliest" ||
		k.Properties()["bootstrap.servers"] != "a:1,b:1" || k.Properties()["group.id"] != "g" {
		t.Errorf("got %+v", k)
	}
	if len(loaded.Config.Kafka.Topics) > 0 || len(loaded.Warnings) > 0 {
		t.Errorf("topics nobody gave: %q; warnings %q", loaded.Config.Kafka.Topics, loaded.Warnings)
	}
}

func TestSources_FurtherClustersShareTheGroupAndKeepTheirSecrets(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"kafka.two.sasl_password": "credential", "file": "file\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	loaded := must(t, Online, host+`
kafka: {topics: t, group_id: shared}
sources:
  kafka:
  - {name: two, topics: x, bootstrap_servers: 'a:1', sasl_username: u}
  - {name: three, topics: x, bootstrap_servers: 'b:1', sasl_username: u, sasl_password_file: `+dir+`/file}
`, nil, []string{"CREDENTIALS_DIRECTORY=" + dir})
	two, three := loaded.Config.Sources.Kafka[0], loaded.Config.Sources.Kafka[1]
	if loaded.Config.Kafka.Name != "kafka" || two.GroupID != "shared" || two.SecurityProtocol != saslSSL {
		t.Errorf("got %+v", two)
	}
	if string(two.SASLPassword) != "credential" || two.SASLPasswordFile != filepath.Join(dir, "kafka.two.sasl_password") || string(three.SASLPassword) != "file" {
		t.Errorf("passwords %q %q", string(two.SASLPassword), string(three.SASLPassword))
	}
}

func TestSources_CanBeGivenByVariableAndFlag(t *testing.T) {
	const folder = `[{"path": "/data", "settle": 1}]`
	for name, c := range map[string]struct{ args, env []string }{
		"variable": {nil, []string{"INGESTOR_SOURCES_DIRECTORIES=" + folder}},
		"flag":     {[]string{"--sources.directories", folder}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			loaded := must(t, Online, host, c.args, c.env)
			if d := loaded.Config.Sources.Directories; len(d) != 1 || d[0].Path != "/data" || d[0].Settle != time.Second {
				t.Errorf("got %+v", d)
			}
			if args, env := loaded.ChildArguments(); len(args)+len(env) > 0 {
				t.Errorf("children get %q %q, which is the daemon's", args, env)
			}
		})
	}
	_, err := load(t, Online, host, nil, []string{`INGESTOR_SOURCES_DIRECTORIES=[{"path": "data"}]`})
	if err == nil || err.Error() != `INGESTOR_SOURCES_DIRECTORIES: sources.directories[0].path: "data" must begin with /` {
		t.Errorf("got %v", err)
	}
}

func TestExample_OptionalEntriesLoadOnceTheirSignsAreGone(t *testing.T) {
	signed := regexp.MustCompile(`(?m)^  # (- |  |# )`)
	text := string(Example())
	begin, end := strings.Index(text, "\nsources:"), strings.Index(text, "\nlogging:")
	part := text[begin:end]
	for range 2 { // the comments of the entry's first key have two
		part = signed.ReplaceAllString(part, "  $1")
	}
	loaded := must(t, Online, text[:begin]+part+text[end:], nil, nil)
	s := loaded.Config.Sources
	if len(s.Directories) != 1 || len(s.Kafka) != 1 || len(loaded.Warnings) > 0 {
		t.Errorf("got %+v, warnings %q, from\n%s", s, loaded.Warnings, part)
	}
}

func TestMetricsAddress_IsFixedOnceSomebodyGaveIt(t *testing.T) {
	const topics = host + "kafka: {topics: t, group_id: g}\n"
	for _, c := range []struct {
		file, address string
		fixed         bool
	}{
		{topics, "127.0.0.1:9465", false},
		{topics + "health_check: {metrics_address: ':1'}", ":1", true},
		{topics + "health_check: {metrics_address: ''}", "", true},
	} {
		h := must(t, Online, c.file, nil, nil).Config.HealthCheck
		if h.MetricsAddress != c.address || h.MetricsFixed != c.fixed {
			t.Errorf("%s: got %+v", c.file, h)
		}
	}
}
