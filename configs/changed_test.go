package configs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestChanged_NamesTheKeysWhoseValuesDiffer(t *testing.T) {
	dir := t.TempDir()
	token := filepath.Join(dir, "token")
	const base = "scicat: {host: 'http://h', additional_headers: {a: b}, "
	for _, c := range []struct{ name, a, b, want string }{
		{"nothing", base + "token: t}", base + "token: t}", ""},
		{"what says the same otherwise", base + "timeout: 60}", "\n\n" + base + "timeout: 1m}\ndataset: {default_access_groups: ACCESS_GROUP_1}", ""},
		{"a level and a list", base + "}\nlogging: {logging_level: DEBUG}", base + "}\ndataset: {default_access_groups: [a, b]}",
			"dataset.default_access_groups logging.logging_level"},
		{"secrets", base + "token: t}\nkafka: {topics: t, group_id: g, librdkafka: {a: b}}", "scicat: {host: 'http://h', token: u, additional_headers: {a: c}}\nkafka: {topics: t, group_id: g, librdkafka: {a: c}}",
			"kafka.librdkafka scicat.token scicat.additional_headers"},
		{"a secret's file that was rotated", base + "token_file: " + token + "}", base + "token_file: " + token + "}", ""},
		{"an entry that moved to another line", base + "}\nsources: {directories: [{path: /a}]}", base + "}\n\nsources:\n  directories:\n  - path: /a/", ""},
		{"an entry that is new", base + "}\nsources: {directories: [{path: /a}]}", base + "}\nsources: {directories: [{path: /a}, {path: /b}]}", "sources.directories"},
		{"a key of an entry", base + "}\nsources: {kafka: [{name: a, topics: t, group_id: g, bootstrap_servers: 'a:1', sasl_username: u, sasl_password: p}]}",
			base + "}\nsources: {kafka: [{name: a, topics: t, group_id: g, bootstrap_servers: 'a:1', sasl_username: u, sasl_password: q}]}", "sources.kafka"},
		{"a map of an entry", base + "}\nforwarder: {ingesters: [{streams: [{name: a, declarative: {typ: x}}]}]}",
			base + "}\nforwarder: {ingesters: [{streams: [{name: a, declarative: {typ: y}}]}]}", "forwarder.ingesters"},
	} {
		t.Run(c.name, func(t *testing.T) {
			read := func(file, secret string) *Config {
				if err := os.WriteFile(token, []byte(secret), 0o600); err != nil {
					t.Fatal(err)
				}
				path := filepath.Join(dir, "c.yml")
				if !strings.Contains(file, "sources:") && !strings.Contains(file, "kafka:") {
					file += "\nkafka: {topics: t, group_id: g}\n"
				}
				if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
					t.Fatal(err)
				}
				loaded, err := Load(Online, parsed(t, Online, "-c", path), nil)
				if err != nil {
					t.Fatal(err)
				}
				return &loaded.Config
			}
			if got := strings.Join(Changed(read(c.a, "1"), read(c.b, "2")), " "); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
