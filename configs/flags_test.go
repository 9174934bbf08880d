package configs

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

// problemOf parses args as p would and gives the one line that is said.
func problemOf(t *testing.T, p Program, args ...string) string {
	t.Helper()
	fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
	BindFlags(fs, p)
	err := FlagError(fs, fs.Parse(args))
	var usage *UsageError
	if err != nil && (!errors.As(err, &usage) || usage.Unwrap() == nil) {
		t.Fatalf("%T is no usage error with a cause", err)
	}
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestFlagError_SaysItInOneLine(t *testing.T) {
	for _, c := range []struct {
		name string
		p    Program
		args []string
		want string
	}{
		{"known flags", Offline, []string{"-c", "x", "-d", "--strict-config"}, ""},
		{"a misspelt flag names the nearest", Offline, []string{"--scicat.tokn", "x"}, "unknown flag --scicat.tokn; did you mean --scicat.token?"},
		{"underscores name the nearest", Offline, []string{"--ingestion.dry_run"}, "unknown flag --ingestion.dry_run; did you mean --ingestion.dry-run?"},
		{"flags are not abbreviated (D44)", Offline, []string{"--ingestion.dry"}, "unknown flag --ingestion.dry; did you mean --ingestion.dry-run?"},
		{"a flag like none", Offline, []string{"--xyzzy.plugh.no.such"}, "unknown flag --xyzzy.plugh.no.such"},
		{"the offline program has no Kafka", Offline, []string{"--kafka.topics", "x"}, "unknown flag --kafka.topics: only online-ingestor has it"},
		{"nor a health check", Offline, []string{"--health-check.port=1"}, "unknown flag --health-check.port: only online-ingestor has it"},
		{"nor a forwarder", Offline, []string{"--forwarder.redis-dsn", "x"}, "unknown flag --forwarder.redis-dsn: only frame-forwarder has it"},
		{"the forwarder has no catalogue", Frames, []string{"--scicat.host", "x"}, "unknown flag --scicat.host: only online-ingestor and offline-ingestor have it"},
		{"the forwarder's flags as the Rust program's", Frames, []string{"-s", "x", "-u", "tcp://h:1", "-i", "tcp://h:2", "-r", "redis://h"}, ""},
		{"no password in a complaint", Frames, []string{"-r", "http://:hunter2@h"}, "--redis-url: *** is not an address like redis://host:6379/0, rediss://host:6379/0 or unix:///run/redis.sock"},
		{"a size of no known unit", Frames, []string{"--queue-bytes", "5M"}, `--queue-bytes: "5M" is not a size in bytes, or with a unit: 64MiB, 1GiB, 500MB`},
		{"a hold that is too long", Frames, []string{"--worker-hold", "1m"}, `--worker-hold: "1m" is not between 5s and 30s: ` + whyHold},
		{"the daemon has both", Online, []string{"--kafka.topics", "x", "--health-check.port=1"}, ""},
		{"the daemon has no backfill", Online, []string{"--backfill.jobs", "{}"}, "unknown flag --backfill.jobs: only offline-ingestor backfill has it"},
		{"nor has an ingestion", Offline, []string{"--backfill.jobs", "{}"}, "unknown flag --backfill.jobs: only offline-ingestor backfill has it"},
		{"backfill has", Backfiller, []string{"--backfill.jobs", "{a: {roots: [/x]}}", "-d"}, ""},
		{"backfill's jobs are a map", Backfiller, []string{"--backfill.jobs", "[a]"}, `--backfill.jobs: "[a]" can not be taken: is a list, but must be a map of jobs, each with its name: ` + "`nightly: {roots: [/data]}`"},
		{"a value of the wrong type", Offline, []string{"--ingestion.max-offline-ingestors", "ten"}, `--ingestion.max-offline-ingestors: "ten" is not a whole number`},
		{"a bool of the wrong type", Offline, []string{"--ingestion.dry-run=perhaps"}, `--ingestion.dry-run: "perhaps" is neither true nor false`},
		{"a secret stays one", Offline, []string{"--scicat.additional-headers", "hunter2"}, `--scicat.additional-headers: *** is not name=value`},
		{"a value is missing", Offline, []string{"--scicat.host"}, "flag needs an argument: --scicat.host"},
		{"an unknown letter", Offline, []string{"-z"}, "unknown shorthand flag: 'z' in -z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := problemOf(t, c.p, c.args...); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
	if FlagError(nil, nil) != nil {
		t.Error("no error became one")
	}
}

func TestBindFlags_EveryKeyHasOneByItsPath(t *testing.T) {
	online, offline := parsed(t, Online), parsed(t, Offline)
	frames, backfill := parsed(t, Frames), parsed(t, Backfiller)
	new(Config).each(func(k key) {
		name := strings.ReplaceAll(k.path, "_", "-")
		if strings.HasPrefix(k.path, "backfill.") {
			if online.Lookup(name) != nil || offline.Lookup(name) != nil || frames.Lookup(name) != nil || backfill.Lookup(name) == nil {
				t.Errorf("--%s is not only backfill's", name)
			}
			return
		}
		forwards := strings.HasPrefix(k.path, "forwarder.")
		if has := frames.Lookup(name) != nil; has != (forwards || strings.HasPrefix(k.path, "logging.") || name == "id" || name == "config-file") {
			t.Errorf("--%s in frame-forwarder: %v", name, has)
		}
		if forwards {
			if online.Lookup(name) != nil || offline.Lookup(name) != nil {
				t.Errorf("--%s is not only frame-forwarder's", name)
			}
			return
		}
		if online.Lookup(name) == nil {
			t.Errorf("online-ingestor has no --%s", name)
		}
		daemonOnly := strings.HasPrefix(k.path, "kafka.") || strings.HasPrefix(k.path, "sources.") || strings.HasPrefix(k.path, "health_check.")
		if has := offline.Lookup(name) != nil; has == daemonOnly {
			t.Errorf("--%s in offline-ingestor: %v", name, has)
		}
		if has := backfill.Lookup(name) != nil; has == daemonOnly {
			t.Errorf("--%s in offline-ingestor backfill: %v", name, has)
		}
	})
	for letter, name := range map[string]string{"c": "config-file", "d": "ingestion.dry-run"} {
		if f := offline.ShorthandLookup(letter); f == nil || f.Name != name {
			t.Errorf("-%s is not --%s", letter, name)
		}
	}
}

func TestFlags_AreTyped(t *testing.T) {
	const file = host + "ingestion: {check_if_dataset_exists_by_pid: true, file_handling: {data_file_open_retry_delay: [9]}}\ndataset: {default_access_groups: [x]}\n"
	loaded := must(t, Offline, file, []string{
		"--ingestion.check-if-dataset-exists-by-pid=false",
		"-d",
		"--ingestion.file-handling.data-file-open-retry-delay", "1",
		"--ingestion.file-handling.data-file-open-retry-delay", "2,3s",
		"--dataset.default-access-groups", "a, b", "--dataset.default-access-groups=c",
		"--ingestion.offline-ingestor-executable", "srun -n 1", "--ingestion.offline-ingestor-executable", "offline",
		"--scicat.additional-headers", "X-A=1,2", "--scicat.additional-headers", "X-B=a=b",
		"--scicat.timeout=0",
	}, nil)
	c := loaded.Config
	if c.Ingestion.CheckIfDatasetExistsByPID || !c.Ingestion.DryRun {
		t.Error("booleans are not switched (D35)")
	}
	if got, want := c.Ingestion.FileHandling.DataFileOpenRetryDelay, []time.Duration{time.Second, 2 * time.Second, 3 * time.Second}; !reflect.DeepEqual(got, want) {
		t.Errorf("delays %v, want %v", got, want)
	}
	if got, want := c.Dataset.DefaultAccessGroups, []string{"a", "b", "c"}; !reflect.DeepEqual(got, want) {
		t.Errorf("groups %v, want %v", got, want)
	}
	if got, want := c.Ingestion.OfflineIngestorExecutable, []string{"srun", "-n", "1", "offline"}; !reflect.DeepEqual(got, want) {
		t.Errorf("executable %v, want %v", got, want)
	}
	if got, want := c.SciCat.AdditionalHeaders, map[string]string{"X-A": "1,2", "X-B": "a=b"}; !reflect.DeepEqual(got, want) {
		t.Errorf("headers %v, want %v", got, want)
	}
	if c.SciCat.Timeout != defaultTimeout {
		t.Errorf("timeout %v", c.SciCat.Timeout)
	}
}

func TestArguments_TakesSeveralWordsAfterAListFlag(t *testing.T) {
	fs := parsed(t, Offline)
	for _, c := range []struct{ name, args, want string }{
		{"words of a list", "--dataset.default-access-groups a b -d", "--dataset.default-access-groups a --dataset.default-access-groups b -d"},
		{"one word of a text", "--id a b", "--id a b"},
		{"a flag with = takes no more", "--dataset.default-access-groups=a b", "--dataset.default-access-groups=a b"},
		{"a boolean takes none", "--ingestion.dry-run b", "--ingestion.dry-run b"},
		{"a value that looks like a list flag is a value", "--id --dataset.default-access-groups a b", "--id --dataset.default-access-groups a b"},
		{"nothing after --", "-- --dataset.default-access-groups a b", "-- --dataset.default-access-groups a b"},
		{"a list flag at the end", "--dataset.default-access-groups", "--dataset.default-access-groups"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := strings.Join(Arguments(fs, strings.Fields(c.args)), " "); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestChildArguments_ReachTheChild(t *testing.T) {
	flags := []string{
		"--scicat.token", "hunter2", "--scicat.additional-headers", "X-A=1", "--scicat.additional-headers", "X-B=2",
		"--scicat.host", "http://other/", "-d", "--ingestion.file-handling.save-file-hash=false",
		"--dataset.default-access-groups", "a", "--dataset.default-access-groups", "b,c",
		"--kafka.topics", "t", "--kafka.sasl-password", "x", "--health-check.port", "1",
	}
	daemon := must(t, Online, host, flags, nil)
	args, env := daemon.ChildArguments()
	want := []string{"--dataset.default-access-groups=a", "--dataset.default-access-groups=b,c", "--ingestion.dry-run",
		"--ingestion.file-handling.save-file-hash=false", "--scicat.host=http://other/"}
	if !reflect.DeepEqual(args, want) {
		t.Errorf("got  %q\nwant %q", args, want)
	}
	child := must(t, Offline, host+"dataset: {default_owner_group: x}\n", args, env)
	for name, same := range map[string]bool{
		"token":   child.Config.SciCat.Token == daemon.Config.SciCat.Token,
		"headers": reflect.DeepEqual(child.Config.SciCat.AdditionalHeaders, daemon.Config.SciCat.AdditionalHeaders),
		"host":    child.Config.SciCat.Host == daemon.Config.SciCat.Host,
		"dry run": child.Config.Ingestion.DryRun,
		"groups":  reflect.DeepEqual(child.Config.Dataset.DefaultAccessGroups, daemon.Config.Dataset.DefaultAccessGroups),
	} {
		if !same {
			t.Errorf("%s differs in the child", name)
		}
	}
	if strings.Contains(strings.Join(args, " "), "hunter2") {
		t.Error("a secret is on the command line")
	}
}

func TestChildArguments_OfAPlainDaemonAreNone(t *testing.T) {
	args, env := must(t, Online, host+"kafka: {topics: t}\n", nil, []string{"INGESTOR_ID=x"}).ChildArguments()
	if len(args)+len(env) > 0 {
		t.Errorf("got %q %q", args, env)
	}
}
