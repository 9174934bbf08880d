package telemetry

import (
	"fmt"
	"strings"

	"github.com/sirupsen/logrus"
)

// ParseLevel takes a level by the name that Python and our configuration give it, in
// any case.
func ParseLevel(name string) (logrus.Level, error) {
	switch strings.ToUpper(name) {
	case "DEBUG":
		return logrus.DebugLevel, nil
	case "INFO":
		return logrus.InfoLevel, nil
	case "WARNING", "WARN":
		return logrus.WarnLevel, nil
	case "ERROR":
		return logrus.ErrorLevel, nil
	case "CRITICAL", "FATAL":
		return logrus.FatalLevel, nil
	default:
		return 0, fmt.Errorf("log level %q is none of DEBUG, INFO, WARNING, ERROR, CRITICAL", name)
	}
}

// levelName is the word for the level in a line; people grep for Python's.
func levelName(l logrus.Level) string {
	switch {
	case l <= logrus.FatalLevel:
		return "CRITICAL"
	case l == logrus.ErrorLevel:
		return "ERROR"
	case l == logrus.WarnLevel:
		return "WARNING"
	case l == logrus.InfoLevel:
		return "INFO"
	default:
		return "DEBUG"
	}
}

// severity is the level in the numbers of syslog (RFC 5424), the journal and GELF.
func severity(l logrus.Level) int {
	switch {
	case l <= logrus.FatalLevel:
		return 2
	case l == logrus.ErrorLevel:
		return 3
	case l == logrus.WarnLevel:
		return 4
	case l == logrus.InfoLevel:
		return 6
	default:
		return 7
	}
}
