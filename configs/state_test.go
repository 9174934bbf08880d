package configs

import (
	"os"
	"path/filepath"
	"testing"
)

func TestStateDirectory_IsTheServicesElseTheUsers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yml")
	for _, c := range []struct {
		name, text string
		env        []string
		want       string
	}{
		{"nothing is known", "", nil, ""},
		{"a home", "", []string{"HOME=/home/ada"}, "/home/ada/.local/state/ingestor"},
		{"the user's place for state", "", []string{"HOME=/home/ada", "XDG_STATE_HOME=/state"}, "/state/ingestor"},
		{"a relative one counts for nothing", "", []string{"HOME=/home/ada", "XDG_STATE_HOME=state"}, "/home/ada/.local/state/ingestor"},
		{"systemd's", "", []string{"HOME=/home/ada", "XDG_STATE_HOME=/state", "STATE_DIRECTORY=/var/lib/ingestor"}, "/var/lib/ingestor"},
		{"the first of systemd's", "", []string{"STATE_DIRECTORY=/var/lib/ingestor:/var/lib/more"}, "/var/lib/ingestor"},
		{"the file's", "ingestion: {state_directory: /srv/state}", []string{"STATE_DIRECTORY=/var/lib/ingestor"}, "/srv/state"},
		{"an empty one is none", "ingestion: {state_directory: ''}", []string{"STATE_DIRECTORY=/var/lib/ingestor"}, "/var/lib/ingestor"},
		{"the variable's", "ingestion: {state_directory: /srv/state}", []string{"INGESTOR_INGESTION_STATE_DIRECTORY=/own"}, "/own"},
	} {
		if err := os.WriteFile(file, []byte("scicat: {host: 'http://h'}\n"+c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		loaded, err := Load(Offline, parsed(t, Offline, "-c", file), c.env)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if got := loaded.Config.Ingestion.StateDirectory; got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
