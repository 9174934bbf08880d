package configs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// write makes a configuration file in a folder of its own.
func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// load reads content as p would, with further arguments and environment.
func load(t *testing.T, p Program, content string, args, env []string) (*Loaded, error) {
	t.Helper()
	path := write(t, "config.yml", content)
	return Load(p, parsed(t, p, append([]string{"-c", path}, args...)...), env)
}

// must is load for a configuration that can work.
func must(t *testing.T, p Program, content string, args, env []string) *Loaded {
	t.Helper()
	loaded, err := load(t, p, content, args, env)
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

func TestLoad_TakesTheFileOfThePeerUnchanged(t *testing.T) {
	const path = "testdata/peer.yml"
	// Two placeholders of the sample cannot work and are faults of the daemon alone.
	loaded, err := Load(Offline, parsed(t, Offline, "-c", path), nil)
	if err != nil {
		t.Fatal(err)
	}
	c := loaded.Config
	want := Config{
		ConfigFile: path,
		Dataset: Dataset{AllowDatasetPID: true, DatasetPIDPrefix: "20.500.12269", DefaultInstrumentID: "ID_OF_FALLBACK_INSTRUMENT",
			DefaultProposalID: "DEFAULT_PROPOSAL_ID", DefaultOwnerGroup: "DEFAULT_OWNER_GROUP", DefaultAccessGroups: []string{"ACCESS_GROUP_1"}},
		Ingestion: Ingestion{
			OfflineIngestorExecutable: []string{"scicat_background_ingestor"}, MaxOfflineIngestors: 10, OfflineIngestorsWaitTime: 10 * time.Second,
			SchemasDirectory: "schemas", CheckIfDatasetExistsByPID: true, CheckIfDatasetExistsByMetadata: true, CheckIfDatasetExistsByMetadataKey: "job_id",
			MessageRetention: 2160 * time.Hour, ChildTimeout: time.Hour, KillDelay: 10 * time.Second, DrainTimeout: time.Minute, MaxAttempts: 5, RetryDelay: 5 * time.Second, RetryMaxDelay: 5 * time.Minute,
			FileHandling: FileHandling{ComputeFileStats: true, ComputeFileHash: true, FileHashAlgorithm: "blake2b", SaveFileHash: true, HashFileExtension: "b2b",
				IngestorFilesDirectory: "../ingestor", MessageToFile: true, MessageFileExtension: "message.json", FilePathType: "relative", DataFileOpenMaxTries: 3, DataFileReadTimeout: time.Minute},
		},
		Kafka: Kafka{IndividualMessageCommit: true, EnableAutoCommit: true,
			KafkaCluster: KafkaCluster{Topics: []string{"KAFKA_TOPIC_1", "KAFKA_TOPIC_2"}, GroupID: "GROUP_ID", BootstrapServers: "localhost:9093", SecurityProtocol: "sasl_ssl",
				SASLMechanism: "SCRAM-SHA-256", SASLUsername: "USERNAME", SSLCALocation: "FULL_PATH_TO_CERTIFICATE_FILE", AutoOffsetReset: "earliest"}},
		Logging: Logging{FileLogMaxSize: 100e6, FileLogKeep: 5, FileLogBaseName: "scicat_ingestor_log", LoggingLevel: "INFO", LogMessagePrefix: "SFI", SystemLogFacility: "mail",
			GraylogPort: 12201, GraylogProtocol: "udp", GraylogFacility: "scicat.ingestor"},
		SciCat: SciCat{Host: "https://scicat.host", Timeout: 90 * time.Second, Stream: true, MaxRetries: 5, RetryDelay: 500 * time.Millisecond,
			RetryMaxDelay: 30 * time.Second, HealthEndpoint: "health",
			APIEndpoints: APIEndpoints{Datasets: "datasets", Proposals: "proposals", OrigDatablocks: "origdatablocks", Instruments: "instruments", Samples: "samples"}},
		HealthCheck: HealthCheck{Host: "0.0.0.0", Port: 8080, MetricsAddress: "127.0.0.1:9465"},
		Forwarder:   Forwarder{RedisDSN: "redis://localhost:6379/0", MetricsAddress: "127.0.0.1:9464", BuildMetaFile: "/etc/build_git_meta.json"},
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}
	for _, w := range loaded.Warnings {
		if !strings.Contains(w, "scicat.host: https://scicat.host is the sample's placeholder") && !strings.Contains(w, "scicat.verify: false has no effect") {
			t.Errorf("unexpected warning: %s", w)
		}
	}
}

func TestLoad_JSONFormSaysTheSame(t *testing.T) {
	yaml := must(t, Offline, "scicat:\n  host: http://h/api\n  timeout: null\nkafka: {topics: [a, b]}\nid: ö\n", nil, nil)
	path := write(t, "config.json", "{\n\t\"scicat\": {\"host\": \"http:\\/\\/h/api\", \"timeout\": null},\n\t\"kafka\": {\"topics\": [\"a\", \"b\"]},\n\t\"id\": \"\\u00f6\"\n}\n")
	json, err := Load(Offline, parsed(t, Offline, "-c", path), nil)
	if err != nil {
		t.Fatal(err)
	}
	yaml.Config.ConfigFile, json.Config.ConfigFile = "", ""
	if !reflect.DeepEqual(yaml.Config, json.Config) {
		t.Errorf("YAML %+v\nJSON %+v", yaml.Config, json.Config)
	}
}

const host = "scicat: {host: 'http://h/api/v3'}\n"

func TestLoad_Precedence(t *testing.T) {
	const file = host + "dataset: {default_owner_group: file}\n"
	for _, c := range []struct {
		name, file string
		args, env  []string
		want       string
	}{
		{"default without anything", host, nil, nil, "DEFAULT_OWNER_GROUP"},
		{"file over default", file, nil, nil, "file"},
		{"environment over file", file, nil, []string{"INGESTOR_DATASET_DEFAULT_OWNER_GROUP=env"}, "env"},
		{"empty environment is no value", file, nil, []string{"INGESTOR_DATASET_DEFAULT_OWNER_GROUP="}, "file"},
		{"flag over environment", file, []string{"--dataset.default-owner-group", "flag"}, []string{"INGESTOR_DATASET_DEFAULT_OWNER_GROUP=env"}, "flag"},
		{"empty flag is a value", file, []string{"--dataset.default-owner-group="}, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := must(t, Offline, c.file, c.args, c.env).Config.Dataset.DefaultOwnerGroup; got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// Each case shows one value as it reads back.
func TestLoad_Values(t *testing.T) {
	for _, c := range []struct{ name, file, path, want string }{
		{"timeout in bare seconds", "scicat: {host: 'http://h', timeout: 10}", "scicat.timeout", "10s"},
		{"timeout in part of seconds", "scicat: {host: 'http://h', timeout: 0.25}", "scicat.timeout", "250ms"},
		{"timeout as a Go duration", "scicat: {host: 'http://h', timeout: 2m}", "scicat.timeout", "2m"},
		{"timeout 0 is 90 s (D16)", "scicat: {host: 'http://h', timeout: 0}", "scicat.timeout", "1m30s"},
		{"timeout null is 90 s (D16)", "scicat: {host: 'http://h', timeout: null}", "scicat.timeout", "1m30s"},
		{"child timeout 0 stays 0", host + "ingestion: {child_timeout: 0}", "ingestion.child_timeout", "0s"},
		{"level in any case (D41)", host + "logging: {logging_level: debug}", "logging.logging_level", "DEBUG"},
		{"level by its other name", host + "logging: {logging_level: Warn}", "logging.logging_level", "WARNING"},
		{"topics with commas are trimmed", host + "kafka: {topics: ' a , b,,'}", "kafka.topics", "a,b"},
		{"topics as a list", host + "kafka:\n  topics:\n  - ' a'\n  - b\n  - ''", "kafka.topics", "a,b"},
		{"executable as one word", host + "ingestion: {offline_ingestor_executable: /opt/x/offline}", "ingestion.offline_ingestor_executable", "/opt/x/offline"},
		{"executable split at spaces", host + "ingestion: {offline_ingestor_executable: 'srun -n 1  offline'}", "ingestion.offline_ingestor_executable", "srun -n 1 offline"},
		{"executable as a list", host + "ingestion: {offline_ingestor_executable: [srun, -n, 1, offline]}", "ingestion.offline_ingestor_executable", "srun -n 1 offline"},
		{"brokers as a list", host + "kafka: {bootstrap_servers: [a:1, b:2]}", "kafka.bootstrap_servers", "a:1,b:2"},
		{"yes is true, as in YAML 1.1", host + "ingestion: {dry_run: yes}", "ingestion.dry_run", "true"},
		{"off is false", host + "ingestion: {check_if_dataset_exists_by_pid: OFF}", "ingestion.check_if_dataset_exists_by_pid", "false"},
		{"a number where a text is asked for is its text", host + "dataset: {dataset_pid_prefix: 20.500}", "dataset.dataset_pid_prefix", "20.500"},
		{"an empty prefix stays empty", host + "dataset: {dataset_pid_prefix: ''}", "dataset.dataset_pid_prefix", ""},
		{"a key without value keeps its default", host + "dataset: {dataset_pid_prefix: }", "dataset.dataset_pid_prefix", "20.500.12269"},
		{"an empty section is no section", host + "logging:\nkafka: {}\nhealth_check:\n", "logging.logging_level", "INFO"},
		{"an empty Graylog port is GELF's", host + "logging: {graylog_port: ''}", "logging.graylog_port", "12201"},
		{"a variable is not expanded", host + "id: ${HOME}", "id", "${HOME}"},
		{"an alias is its anchor", host + "id: &a x\ndataset: {default_owner_group: *a}", "dataset.default_owner_group", "x"},
		{"a section's own key wins over a merged one", "scicat: &s {host: 'http://h', timeout: 5}\nkafka: {topics: &t a}\nscicat_two: 1\nlogging: {<<: {logging_level: ERROR}, logging_level: DEBUG}", "logging.logging_level", "DEBUG"},
		{"a merged key counts", host + "logging: {<<: {logging_level: ERROR}}", "logging.logging_level", "ERROR"},
		{"retry delays in seconds and units", host + "ingestion: {file_handling: {data_file_open_retry_delay: [1, 1.5, 2m]}}", "ingestion.file_handling.data_file_open_retry_delay", "1s,1.5s,2m"},
		{"file_path_type of any other word is kept", host + "ingestion: {file_handling: {file_path_type: Relativ}}", "ingestion.file_handling.file_path_type", "Relativ"},
		{"unset protocol with a user name is the peer's sasl_ssl", host + "kafka: {topics: t, group_id: g, sasl_username: u, sasl_password: p}", "kafka.security_protocol", "sasl_ssl"},
		{"unset protocol without one is librdkafka's", host + "kafka: {topics: t, group_id: g}", "kafka.security_protocol", ""},
		{"protocol in any case", host + "kafka: {topics: t, group_id: g, security_protocol: SSL}", "kafka.security_protocol", "ssl"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := Tool
			if strings.HasPrefix(c.path, "kafka.security") {
				p = Online
			}
			loaded := must(t, p, c.file, nil, nil)
			found := false
			loaded.Config.each(func(k key) {
				if k.path != c.path {
					return
				}
				found = true
				if got := k.value.text(); got != c.want {
					t.Errorf("%s is %q, want %q", k.path, got, c.want)
				}
			})
			if !found {
				t.Errorf("no key %s", c.path)
			}
		})
	}
}

func TestLoad_FileIsNeededAndFoundByTheEnvironment(t *testing.T) {
	_, err := Load(Offline, parsed(t, Offline), nil)
	var usage *UsageError
	if !errors.As(err, &usage) {
		t.Fatalf("got %v, want a usage error", err)
	}
	path := write(t, "c.yml", host)
	loaded, err := Load(Offline, nil, []string{"INGESTOR_CONFIG_FILE=" + path})
	if err != nil || loaded.Path != path || loaded.Config.ConfigFile != path {
		t.Errorf("got %+v, %v", loaded, err)
	}
}

func TestRetryDelays_FollowThePeer(t *testing.T) {
	s := time.Second
	for _, c := range []struct {
		name  string
		tries int
		list  []time.Duration
		want  []time.Duration
	}{
		{"no list is 3 s each", 3, nil, []time.Duration{3 * s, 3 * s, 3 * s}},
		{"short list is extended by its last", 3, []time.Duration{5 * s, 7 * s}, []time.Duration{5 * s, 7 * s, 7 * s}},
		{"longer list means more tries", 1, []time.Duration{s, s, s}, []time.Duration{s, s, s}},
		{"at least 1 s", 2, []time.Duration{0}, []time.Duration{s, s}},
		{"at most 120 s", 1, []time.Duration{500 * s}, []time.Duration{120 * s}},
		{"no retries", 0, nil, []time.Duration{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := FileHandling{DataFileOpenMaxTries: c.tries, DataFileOpenRetryDelay: c.list}
			if got := f.RetryDelays(); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestProperties(t *testing.T) {
	for _, c := range []struct{ name, kafka, want string }{
		{"plaintext leaves out the sample's credentials", "security_protocol: '', sasl_username: USERNAME, ssl_ca_location: X",
			"map[auto.offset.reset:earliest bootstrap.servers:localhost:9093 group.id:g]"},
		{"sasl_ssl has them", "security_protocol: sasl_ssl, sasl_username: u, sasl_password: p, ssl_ca_location: /ca",
			"map[auto.offset.reset:earliest bootstrap.servers:localhost:9093 group.id:g sasl.mechanisms:SCRAM-SHA-256 sasl.password:p sasl.username:u security.protocol:sasl_ssl ssl.ca.location:/ca]"},
		{"librdkafka has the last word, also by an alias", "librdkafka: {metadata.broker.list: 'x:1', group.id: other, fetch.min.bytes: 1, socket.keepalive.enable: true}",
			"map[auto.offset.reset:earliest bootstrap.servers:x:1 fetch.min.bytes:1 group.id:other socket.keepalive.enable:true]"},
		{"a protocol given there brings the credentials along", "security_protocol: plaintext, sasl_username: u, sasl_password: p, librdkafka: {security.protocol: SASL_PLAINTEXT, sasl.mechanism: PLAIN}",
			"map[auto.offset.reset:earliest bootstrap.servers:localhost:9093 group.id:g sasl.mechanisms:PLAIN sasl.password:p sasl.username:u security.protocol:SASL_PLAINTEXT]"},
		{"commits stay ours", "librdkafka: {enable.auto.commit: true, enable.auto.offset.store: true}",
			"map[auto.offset.reset:earliest bootstrap.servers:localhost:9093 group.id:g]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			loaded := must(t, Online, host+"kafka: {topics: t, group_id: g, "+c.kafka+"}\n", nil, nil)
			if got := fmt.Sprint(loaded.Config.Kafka.Properties()); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}
