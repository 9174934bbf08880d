package configs

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestSecret_IsNeverShown(t *testing.T) {
	const word = "hunter2"
	holder := struct {
		Token Secret
		In    []Secret
	}{word, []Secret{word}}
	var shown []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		shown = append(shown, fmt.Sprintf(verb, holder), fmt.Sprintf(verb, holder.Token), fmt.Sprintf(verb, &holder))
	}
	j, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	y, err := yaml.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range append(shown, string(j), string(y), fmt.Sprint(map[Secret]Secret{word: word})) {
		if strings.Contains(s, word) || strings.Contains(s, fmt.Sprintf("%x", word)) {
			t.Errorf("shown: %s", s)
		}
	}
	if string(holder.Token) != word || holder.Token.String() != "***" || Secret("").String() != "" {
		t.Error("a secret keeps its text for string(s), shows *** for String and nothing when empty")
	}
}

func TestSecrets_WhoWins(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "token")
	credential := filepath.Join(dir, "scicat.token")
	for path, content := range map[string]string{file: "from-file\n", credential: "from-credential\r\n", filepath.Join(dir, "kafka.sasl_password"): "from-credential"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	scicat := func(more string) string { return "scicat: {host: 'http://h', " + more + "}\n" }
	credentials := []string{"CREDENTIALS_DIRECTORY=" + dir}
	for _, c := range []struct {
		name, file string
		args, env  []string
		want       string
		warnings   int
	}{
		{"plain key", scicat("token: plain"), nil, nil, "plain", 0},
		{"file wins over the plain key of the same layer", scicat("token: plain, token_file: " + file), nil, nil, "from-file", 1},
		{"a plain flag wins over the file's token_file", scicat("token_file: " + file), []string{"--scicat.token", "flag"}, nil, "flag", 0},
		{"a plain variable wins over the file's token_file", scicat("token_file: " + file), nil, []string{"INGESTOR_SCICAT_TOKEN=env"}, "env", 0},
		{"a token_file flag wins over a plain variable", scicat(""), []string{"--scicat.token-file", file}, []string{"INGESTOR_SCICAT_TOKEN=env"}, "from-file", 1},
		{"credential when neither is set", scicat(""), nil, credentials, "from-credential", 0},
		{"credential also over an empty key", scicat("token: ''"), nil, credentials, "from-credential", 0},
		{"no credential over a key", scicat("token: plain"), nil, credentials, "plain", 0},
		{"a folder without our credential is nothing", scicat(""), nil, []string{"CREDENTIALS_DIRECTORY=" + t.TempDir()}, "", 0},
		{"a line end in the key is trimmed", scicat(`token: "plain\n"`), nil, nil, "plain", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			loaded := must(t, Offline, c.file, c.args, c.env)
			if got := string(loaded.Config.SciCat.Token); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if len(loaded.Warnings) != c.warnings {
				t.Errorf("warnings %q", loaded.Warnings)
			}
		})
	}

	for _, c := range []struct {
		name, keys            string
		args, env             []string
		token, user, password string
		warnings              int
	}{
		{"a login instead of the token", "token: t, username: u, password: p", nil, nil, "", "u", "p", 1},
		{"a token of this run instead of the file's login", "username: u, password: p", []string{"--scicat.token", "t"}, nil, "t", "", "", 0},
		{"a login does not need the token's file", "token_file: /nowhere, username: u, password: p", nil, nil, "", "u", "p", 1},
		{"a password file", "username: u, password_file: " + file, nil, nil, "", "u", "from-file", 0},
		{"a shared token stands for a password that is not there", "username: u, password_file: /nowhere", nil, []string{"INGESTOR_SHARED_TOKEN=x"}, "", "u", "", 0},
		{"a shared token stands for one that is not given", "username: u", nil, []string{"INGESTOR_SHARED_TOKEN=x"}, "", "u", "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			loaded := must(t, Offline, scicat(c.keys), c.args, c.env)
			s := loaded.Config.SciCat
			if string(s.Token) != c.token || s.Username != c.user || string(s.Password) != c.password || len(loaded.Warnings) != c.warnings {
				t.Errorf("got token %q, login %q %q, warnings %q", string(s.Token), s.Username, string(s.Password), loaded.Warnings)
			}
		})
	}

	t.Run("the broker's password likewise, for the daemon", func(t *testing.T) {
		loaded := must(t, Online, scicat("token: x")+"kafka: {topics: t, group_id: g}\n", nil, credentials)
		if string(loaded.Config.Kafka.SASLPassword) != "from-credential" {
			t.Errorf("got %q", string(loaded.Config.Kafka.SASLPassword))
		}
	})
	t.Run("a password file that only the daemon can read does not stop a child", func(t *testing.T) {
		must(t, Offline, scicat("token: x")+"kafka: {sasl_password_file: /nowhere/at/all}\n", nil, nil)
	})
	for name, path := range map[string]string{"absent": "/nowhere/at/all", "a folder": dir} {
		t.Run("a token file that is "+name+" is a fault", func(t *testing.T) {
			_, err := load(t, Offline, scicat("token_file: "+path), nil, nil)
			if err == nil || !strings.Contains(err.Error(), `:1: scicat.token_file: "`+path+`" cannot be read: `) {
				t.Errorf("got %v", err)
			}
		})
	}
}
