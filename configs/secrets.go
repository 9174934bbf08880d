package configs

import (
	"path/filepath"
	"strings"
)

// credentialsDirectory is where systemd puts what LoadCredential= names.
const credentialsDirectory = "CREDENTIALS_DIRECTORY"

// secrets replaces tokens and passwords by what their file or credential holds.
func (l *loader) secrets(variables map[string]string) {
	c := l.config
	if l.program == Frames {
		return // whoever runs it need not be able to read them
	}
	l.secret("scicat.token", &c.SciCat.Token, "scicat.token_file", &c.SciCat.TokenFile, variables)
	// The offline program may run where the broker's password is not.
	if l.program == Online {
		l.secret("kafka.sasl_password", &c.Kafka.SASLPassword, "kafka.sasl_password_file", &c.Kafka.SASLPasswordFile, variables)
	}
}

// secret fills one. The file wins over the plain key, but a plain key from a higher
// layer (a flag over the file, say) wins over both: it was given for this run.
func (l *loader) secret(plain string, value *Secret, fileKey string, file *string, variables map[string]string) {
	if *file != "" && *value != "" && l.origins[plain].layer > l.origins[fileKey].layer {
		*file = ""
		return
	}
	path, place := *file, l.origins[fileKey].place
	switch dir := variables[credentialsDirectory]; {
	case path != "" && *value != "":
		l.warnings = append(l.warnings, Problem{Place: place, Key: fileKey, Reason: "wins over " + plain + ", which is given as well"})
	case path != "":
	case *value == "" && dir != "":
		path, place = filepath.Join(dir, plain), credentialsDirectory
		if !exists(path) {
			return
		}
		*file = path
	default:
		return
	}
	data, err := readAtMost(path, 1<<20)
	if err != nil {
		l.problems = append(l.problems, Problem{Place: place, Key: fileKey, Value: shown(path, false), Reason: "cannot be read: " + reason(err)})
		return
	}
	*value = Secret(strings.TrimRight(string(data), "\r\n"))
	if *value == "" {
		l.problems = append(l.problems, Problem{Place: place, Key: fileKey, Value: shown(path, false), Reason: "is empty"})
	}
}
