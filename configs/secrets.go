package configs

import (
	"path/filepath"
	"strings"
)

const (
	// credentialsDirectory is where systemd puts what LoadCredential= names.
	credentialsDirectory = "CREDENTIALS_DIRECTORY"
	// sharedToken is where the daemon gives a child the token that it has.
	sharedToken = "INGESTOR_SHARED_TOKEN"
)

// secrets replaces tokens and passwords by what their file or credential holds.
func (l *loader) secrets(variables map[string]string) {
	c := l.config
	if l.program == Frames {
		return // whoever runs it need not be able to read them
	}
	l.login()
	if s := &c.SciCat; s.Username == "" {
		l.secret("scicat.token", &s.Token, "scicat.token_file", &s.TokenFile, variables)
	} else {
		before := len(l.problems)
		l.secret("scicat.password", &s.Password, "scicat.password_file", &s.PasswordFile, variables)
		if variables[sharedToken] != "" {
			// It may run where the password is not; it has what it needs.
			l.problems = l.problems[:before]
		}
		if s.Password == "" && len(l.problems) == before && variables[sharedToken] == "" && l.program != Tool {
			l.problems = append(l.problems, Problem{Place: l.place("scicat.username"), Key: "scicat.password",
				Reason: "is needed with scicat.username, but not given; best as scicat.password_file"})
		}
	}
	// The offline program may run where the broker's password is not.
	if l.program == Online || l.program == Publisher {
		l.secret("kafka.sasl_password", &c.Kafka.SASLPassword, "kafka.sasl_password_file", &c.Kafka.SASLPasswordFile, variables)
	}
	if l.program == Online {
		l.placeSources()
		for i := range c.Sources.Kafka {
			l.clusterSecret(&c.Sources.Kafka[i], variables)
		}
	}
}

// login decides between a token and a login: the login, unless the token was given
// by a higher layer, for this run.
func (l *loader) login() {
	s := &l.config.SciCat
	if s.Username == "" {
		if s.Password != "" || s.PasswordFile != "" {
			path := "scicat.password"
			if !l.set(path) {
				path = "scicat.password_file"
			}
			l.warn(path, "has no effect without scicat.username")
			s.Password, s.PasswordFile = "", ""
		}
		return
	}
	by := l.origins["scicat.username"].layer
	for path, given := range map[string]bool{"scicat.token": s.Token != "", "scicat.token_file": s.TokenFile != ""} {
		if given && l.origins[path].layer > by {
			s.Username, s.Password, s.PasswordFile = "", "", ""
			return
		}
	}
	if s.Token != "" || s.TokenFile != "" {
		path := "scicat.token"
		if s.Token == "" {
			path = "scicat.token_file"
		}
		l.warn("scicat.username", "wins over "+path+", which is given as well")
		s.Token, s.TokenFile = "", ""
	}
}

// secret fills one. The file wins over the plain key, but a plain key from a higher
// layer (a flag over the file, say) wins over both: it was given for this run.
func (l *loader) secret(plain string, value *Secret, fileKey string, file *string, variables map[string]string) {
	if *file != "" && *value != "" && l.origins[plain].layer > l.origins[fileKey].layer {
		*file = ""
		return
	}
	l.fileOrCredential(oneSecret{plain, value, fileKey, file, l.origins[fileKey].place, plain}, variables)
}

// clusterSecret fills the password of a further cluster.
func (l *loader) clusterSecret(c *KafkaCluster, variables map[string]string) {
	const plain, fileKey = "sasl_password", "sasl_password_file"
	s := oneSecret{plain: c.places.key(plain), value: &c.SASLPassword,
		fileKey: c.places.key(fileKey), file: &c.SASLPasswordFile, place: c.places.at(fileKey)}
	if sourceName.MatchString(c.Name) {
		s.credential = mainCluster + "." + c.Name + "." + plain
	}
	l.fileOrCredential(s, variables)
}

// oneSecret is a secret that may come from a file.
type oneSecret struct {
	plain      string // its key
	value      *Secret
	fileKey    string
	file       *string
	place      string // of the file's key
	credential string // its name there; "" = none
}

func (l *loader) fileOrCredential(s oneSecret, variables map[string]string) {
	path, place := *s.file, s.place
	switch dir := variables[credentialsDirectory]; {
	case path != "" && *s.value != "":
		l.warnings = append(l.warnings, Problem{Place: place, Key: s.fileKey, Reason: "wins over " + s.plain + ", which is given as well"})
	case path != "":
	case *s.value == "" && dir != "" && s.credential != "":
		path, place = filepath.Join(dir, s.credential), credentialsDirectory
		if !exists(path) {
			return
		}
		*s.file = path
	default:
		return
	}
	data, err := readAtMost(path, 1<<20)
	if err != nil {
		l.problems = append(l.problems, Problem{Place: place, Key: s.fileKey, Value: shown(path, false), Reason: "cannot be read: " + reason(err)})
		return
	}
	*s.value = Secret(strings.TrimRight(string(data), "\r\n"))
	if *s.value == "" {
		l.problems = append(l.problems, Problem{Place: place, Key: s.fileKey, Value: shown(path, false), Reason: "is empty"})
	}
}
