package configs

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

// frames loads for frame-forwarder with a file of this content, or none.
func frames(t *testing.T, content string, args, env []string) (*Loaded, error) {
	t.Helper()
	if content != "" {
		args = append([]string{"-c", write(t, "c.yml", content)}, args...)
	}
	return LoadForwarder(parsed(t, Frames, args...), env, nil)
}

// inShort is what will run, without defaults.
func inShort(f Forwarder) string {
	var out []string
	for _, i := range f.Ingesters {
		line := i.Name
		if i.URL != defaultIngesterURL {
			line += " " + i.URL + " on " + i.Bind
		}
		for _, s := range i.Streams {
			line += fmt.Sprintf(" [%s %s %s", s.Name, s.Source, s.UpstreamURL)
			if s.UpstreamConnections != 1 {
				line += fmt.Sprintf(" x%d", s.UpstreamConnections)
			}
			line += "]"
		}
		if i.DumpPath != "" {
			line += " dump " + i.DumpPath
		}
		if i.QueueBytes != 256<<20 {
			line += fmt.Sprintf(" queue %d", i.QueueBytes)
		}
		out = append(out, line)
	}
	return strings.Join(out, "; ")
}

const twoIngesters = `forwarder:
  ingesters:
  - url: tcp://h:10000
    dump_path: /e.cbors
    streams: [{name: eiger, upstream_url: tcp://e:1}]
  - url: tcp://h:10001
    streams: [{name: pcap, source: zmqsub_pcap, upstream_url: tcp://p:1}, {name: second, source: tcp_positioncap, upstream_url: tcp://p:2}]
`

func TestByHand_WhatRuns(t *testing.T) {
	const file = twoIngesters
	for _, c := range []struct {
		name, file string
		args, env  string
		want       string
	}{
		{"the flags of the Rust program", "", "-s eiger -u tcp://e:9 -i tcp://h:5 -r redis://r", "",
			"eiger-ingester tcp://h:5 on tcp://*:5 [eiger zmqpull_single tcp://e:9]"},
		{"the environment of the Python programs", "", "", `INGESTER_STREAMS=["x","y"] UPSTREAM_URL=tcp://u:1 INGESTER_URL=tcp://h:7`,
			"x_y-ingester tcp://h:7 on tcp://*:7 [x zmqpull_single tcp://u:1] [y zmqpull_single tcp://u:1]"},
		{"in any case", "", "", `ingester_streams=["x"] Ingester_Name=mine upstream_url=tcp://u:1 dump_path=/d`,
			"mine [x zmqpull_single tcp://u:1] dump /d"},
		{"flags win over the environment", "", "--stream a --name n -u tcp://f:1", `INGESTER_STREAMS=["x"] INGESTER_NAME=e UPSTREAM_URL=tcp://u:1 DUMP_PATH=/d`,
			"n [a zmqpull_single tcp://f:1] dump /d"},
		{"each stream its own upstream and protocol", "", "-s a -s b --source zmqsub_pcap --source TcpPcapIngester -u tcp://a:1 -u tcp://b:1", "",
			"a_b-ingester [a zmqsub_pcap tcp://a:1] [b TcpPcapIngester tcp://b:1]"},
		{"all of the file", file, "", "",
			"eiger-ingester tcp://h:10000 on tcp://*:10000 [eiger zmqpull_single tcp://e:1] dump /e.cbors; pcap_second-ingester tcp://h:10001 on tcp://*:10001 [pcap zmqsub_pcap tcp://p:1] [second tcp_positioncap tcp://p:2]"},
		{"one of the file", file, "--name eiger-ingester", "",
			"eiger-ingester tcp://h:10000 on tcp://*:10000 [eiger zmqpull_single tcp://e:1] dump /e.cbors"},
		{"one of the file by the environment, changed by flag and environment", file, "-u tcp://other:1", "INGESTER_NAME=eiger-ingester DUMP_PATH=/x",
			"eiger-ingester tcp://h:10000 on tcp://*:10000 [eiger zmqpull_single tcp://other:1] dump /x"},
		{"a stream of the file by its name", file, "-s eiger", "",
			"eiger-ingester tcp://h:10000 on tcp://*:10000 [eiger zmqpull_single tcp://e:1] dump /e.cbors"},
		{"a stream that the file does not have", file, "-s new -u tcp://n:1", "",
			"new-ingester [new zmqpull_single tcp://n:1]"},
		{"what all may have", file, "--queue-bytes 1GiB --upstream-connections 2", "",
			"eiger-ingester tcp://h:10000 on tcp://*:10000 [eiger zmqpull_single tcp://e:1 x2] dump /e.cbors queue 1073741824; pcap_second-ingester tcp://h:10001 on tcp://*:10001 [pcap zmqsub_pcap tcp://p:1 x2] [second tcp_positioncap tcp://p:2 x2] queue 1073741824"},
		{"a list in our own variable", "", "", `INGESTOR_FORWARDER_INGESTERS=[{name: n, streams: [{name: s}]}]`,
			"n [s zmqpull_single ]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			env := strings.Fields(c.env)
			if strings.HasPrefix(c.env, "INGESTOR_") {
				env = []string{c.env}
			}
			loaded, err := frames(t, c.file, strings.Fields(c.args), env)
			if err != nil {
				t.Fatal(err)
			}
			if got := inShort(loaded.Config.Forwarder); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestByHand_Faults(t *testing.T) {
	for _, c := range []struct {
		name, file string
		args, env  []string
		want       string
	}{
		{"the streams of the environment are a list", "", nil, []string{`INGESTER_STREAMS=["x"`},
			"INGESTER_STREAMS: \"[\\\"x\\\"\" is not a list of names like [\"eiger\"]"},
		{"a URL of the environment", "", []string{"-s", "x"}, []string{"INGESTER_URL=http://h"},
			`INGESTER_URL: "http://h" is not an address like tcp://host:10000`},
		{"a password of the environment stays there", "", []string{"-s", "x"}, []string{"redis_url=//:hunter2@h"},
			"redis_url: *** is not an address like redis://host:6379/0, rediss://host:6379/0 or unix:///run/redis.sock"},
		{"a name with a colon", "", []string{"-s", "x", "--name", "a:b"}, nil,
			`--name: "a:b" must not hold a colon: Redis keys are made of it`},
		{"a stream with a colon makes a name with one", "", []string{"-s", "a:b"}, nil,
			`--stream: "a:b-ingester" must not hold a colon: Redis keys are made of it; it follows from the streams, so give a name`},
		{"a name with a colon in the file", "forwarder:\n  ingesters:\n  - name: a:b\n    streams: [{name: x}]\n", nil, nil,
			`c.yml:3: forwarder.ingesters[0].name: "a:b" must not hold a colon: Redis keys are made of it`},
		{"a stream twice", "", []string{"-s", "x", "-s", "x"}, nil,
			`--stream: "x" is the name of two streams of this ingester`},
		{"two upstreams for three streams", "", []string{"-s", "a,b,c", "-u", "tcp://u:1", "-u", "tcp://u:2"}, nil,
			"--upstream-url: is given 2 times for 3 streams; give it once, or once for each"},
		{"several faults of the list in our own variable", "", nil, []string{`INGESTOR_FORWARDER_INGESTERS=[{nam: n, url: x}]`},
			`INGESTOR_FORWARDER_INGESTERS: forwarder.ingesters: "[{nam: n, url: x}]" can not be taken: [0].url: "x" is not an address like tcp://host:10000; [0].nam: unknown key; did you mean name?`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := frames(t, c.file, c.args, c.env)
			var faults *Error
			if !errors.As(err, &faults) {
				t.Fatalf("got %v", err)
			}
			if got := err.Error(); got != c.want && !strings.HasSuffix(got, "/"+c.want) {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
	_, err := frames(t, "", nil, nil)
	var usage *UsageError
	if !errors.As(err, &usage) || !strings.Contains(err.Error(), "--stream") {
		t.Errorf("nothing at all is wrong usage, got %v", err)
	}
}

func TestByHand_WhatIsSaidOfAStreamHasItsPlace(t *testing.T) {
	path := write(t, "c.yml", twoIngesters)
	no := func(s Stream) error { return fmt.Errorf("%s: no", s.Name) }
	_, err := LoadForwarder(parsed(t, Frames, "-c", path), nil, no)
	want := path + ":5: forwarder.ingesters[0].streams[0]: eiger: no\n" +
		path + ":7: forwarder.ingesters[1].streams[0]: pcap: no\n" +
		path + ":7: forwarder.ingesters[1].streams[1]: second: no"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	_, err = LoadForwarder(parsed(t, Frames, "-s", "x", "--source", "y"), nil, no)
	if err == nil || err.Error() != "--source: x: no" {
		t.Errorf("got %v", err)
	}
}

func TestByHand_Redis(t *testing.T) {
	const own = "INGESTOR_FORWARDER_REDIS_DSN=redis://own"
	for _, c := range []struct {
		name      string
		file      string
		args, env []string
		want      string
	}{
		{"default", "", nil, nil, "redis://localhost:6379/0"},
		{"file", "forwarder: {redis_dsn: 'redis://file'}\n", nil, nil, "redis://file"},
		{"REDIS_URL over file", "forwarder: {redis_dsn: 'redis://file'}\n", nil, []string{"REDIS_URL=redis://a"}, "redis://a"},
		{"SERVICE_REDIS_DSN over REDIS_URL", "", nil, []string{"REDIS_URL=redis://a", "SERVICE_REDIS_DSN=redis://b"}, "redis://b"},
		{"our own variable over both", "", nil, []string{own, "REDIS_URL=redis://a"}, "redis://own"},
		{"flag over all", "", []string{"-r", "redis://flag"}, []string{own, "REDIS_URL=redis://a"}, "redis://flag"},
		{"our own flag over the variables", "", []string{"--forwarder.redis-dsn", "redis://flag"}, []string{own, "REDIS_URL=redis://a"}, "redis://flag"},
		{"what the Python client appends is dropped", "", nil, []string{"REDIS_URL=redis://a:1/2?decode_responses=True&protocol=3"}, "redis://a:1/2?protocol=3"},
		{"a user and a password", "", nil, []string{"REDIS_URL=redis://u:p@a/"}, "redis://u:p@a/"},
		{"a socket", "", []string{"-r", "unix:///run/redis.sock?db=1"}, nil, "unix:///run/redis.sock?db=1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			loaded, err := frames(t, c.file, append(c.args, "-s", "x"), c.env)
			if err != nil {
				t.Fatal(err)
			}
			if got := loaded.Config.Forwarder.RedisDSN; got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
	f := Forwarder{RedisDSN: "redis://u:hunter2@h/0"}
	if got := redisURL(&f.RedisDSN).text(); strings.Contains(got, "hunter2") || !strings.Contains(got, "@h/0") {
		t.Errorf("shown as %s", got)
	}
}

func TestByHand_Level(t *testing.T) {
	for _, c := range []struct {
		name, file string
		env        string
		want       string
		warnings   int
	}{
		{"default", "", "", "INFO", 0},
		{"Python's", "", "LOG_LEVEL=warning", "WARNING", 0},
		{"Python's over file", "logging: {logging_level: ERROR}\n", "LOG_LEVEL=DEBUG", "DEBUG", 0},
		{"ours over Python's", "", "LOG_LEVEL=DEBUG INGESTOR_LOGGING_LOGGING_LEVEL=ERROR", "ERROR", 0},
		{"one that is no level is a warning", "", "LOG_LEVEL=loud", "INFO", 1},
		{"Rust's", "", "RUST_LOG=warn", "WARNING", 0},
		{"Rust's with modules", "", "RUST_LOG=hyper=off,debug", "DEBUG", 0},
		{"Rust's of the program", "", "RUST_LOG=fast_ingester=trace", "DEBUG", 0},
		{"Rust's is the weakest", "logging: {logging_level: ERROR}\n", "RUST_LOG=debug", "ERROR", 0},
		{"Python's over Rust's", "", "RUST_LOG=debug LOG_LEVEL=ERROR", "ERROR", 0},
		{"Rust's of something else", "", "RUST_LOG=hyper=debug", "INFO", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			loaded, err := frames(t, c.file, []string{"-s", "x"}, strings.Fields(c.env))
			if err != nil {
				t.Fatal(err)
			}
			if got := loaded.Config.Logging.LoggingLevel; got != c.want || len(loaded.Warnings) != c.warnings {
				t.Errorf("got %s, want %s; %q", got, c.want, loaded.Warnings)
			}
		})
	}
}

func TestIngesters_ReadWhatTheFileSays(t *testing.T) {
	loaded, err := frames(t, `forwarder:
  ingesters:
  - &base
    url: tcp://h:10000
    worker_hold: 20
    io_threads: 2
    cpu_affinity: [1, 3-5]
    queue_bytes: 1.5 GB
    streams:
    - name: d
      source: declarative
      upstream_url: tcp://u:1
      declarative: {socket: sub, typ: MY, start: [a, b], data: c, end: [e]}
  - <<: *base
    name: second
    url: tcp://h:10001
    cpu_affinity: 7
    streams: [{name: t, source: software_trigger, software_trigger: {frames: ['{"n": {n}}', " x ", ""]}}]
`, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	f := loaded.Config.Forwarder
	a, b := f.Ingesters[0], f.Ingesters[1]
	if !reflect.DeepEqual(a.CPUAffinity, []int{1, 3, 4, 5}) || a.QueueBytes != 1_500_000_000 || a.WorkerHold != 20*time.Second || a.Name != "d-ingester" {
		t.Errorf("%+v", a)
	}
	if b.WorkerHold != a.WorkerHold || b.IOThreads != 2 || b.Bind != "tcp://*:10001" || !reflect.DeepEqual(b.CPUAffinity, []int{7}) {
		t.Errorf("merged: %+v", b)
	}
	if d := a.Streams[0].Declarative; d == nil || d.Socket != "sub" || !reflect.DeepEqual(d.Start, []string{"a", "b"}) || !reflect.DeepEqual(d.Data, []string{"c"}) {
		t.Errorf("%+v", d)
	}
	if s := b.Streams[0].SoftwareTrigger; s == nil || !reflect.DeepEqual(s.Frames, []string{`{"n": {n}}`, " x ", ""}) {
		t.Errorf("%+v", s)
	}
	if url, own := b.Place("url"), b.Place("bind"); !strings.HasSuffix(url, ":16") || !strings.HasSuffix(own, ":14") {
		t.Errorf("places %s %s", url, own)
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "1": 1, "1048576": 1 << 20, "256MiB": 256 << 20, "256 mib": 256 << 20, "1.5KiB": 1536, "2GB": 2e9, "3kB": 3000, "7B": 7, "1TiB": 1 << 40,
	} {
		if got, err := parseSize(text); err != nil || got != want {
			t.Errorf("%q: %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "MiB", "-1", "1.5", "5M", "5 XB", "NaNMiB", "1e300GB", "-1MiB", "99999999TiB", "0x10"} {
		if got, err := parseSize(text); err == nil {
			t.Errorf("%q: %d", text, got)
		}
	}
	for n, want := range map[int64]string{0: "0", 1023: "1023", 1 << 20: "1MiB", 3 << 29: "1536MiB"} {
		if got := formatSize(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
