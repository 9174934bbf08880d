package kafka

import (
	"testing"
	"time"

	"github.com/sirupsen/logrus"
)

func TestCutOff_IsAClientThatKnowsNoBroker(t *testing.T) {
	logical := map[string]brokerReport{"GroupCoordinator": {Source: "logical", State: "INIT"}}
	with := func(source string) map[string]brokerReport {
		return map[string]brokerReport{"GroupCoordinator": {Source: "logical"}, "127.0.0.1:9092/1": {Source: source, State: "DOWN"}}
	}
	for name, c := range map[string]struct {
		told []map[string]brokerReport
		want bool
	}{
		"one that can not reach those of the configuration": {[]map[string]brokerReport{with("configured"), with("configured"), with("configured")}, false},
		"nor those it has learned of":                       {[]map[string]brokerReport{with("learned"), with("learned"), with("learned")}, false},
		"for a moment":                                      {[]map[string]brokerReport{logical, logical}, false},
		"for a moment, and again":                           {[]map[string]brokerReport{logical, logical, with("learned"), logical, logical}, false},
		"for long":                                          {[]map[string]brokerReport{with("learned"), logical, logical, logical}, true},
		"for long, of a producer":                           {[]map[string]brokerReport{{}, {}, {}}, true},
	} {
		var lost cutOff
		got := false
		for _, report := range c.told {
			got = lost.told(report)
		}
		if got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestStatistics_EndAClientThatIsOfNoMoreUse(t *testing.T) {
	const up = `{"brokers": {"a/1": {"source": "learned", "state": "UP", "rxidle": 1000}}}`
	const down = `{"brokers": {"a/1": {"source": "learned", "state": "DOWN", "rxidle": -1}}}`
	const none = `{"brokers": {"GroupCoordinator": {"source": "logical", "state": "INIT", "rxidle": -1}}}`
	log := logrus.New()
	log.SetOutput(t.Output())
	now := time.Now()
	s := newSession(&Source{log: log, secrets: newSecrets(nil), reports: newReports(log, newSecrets(nil))}, nil, nil)
	for _, c := range []struct {
		text  string
		after time.Duration
		want  error
	}{
		{up, 0, nil},
		{down, time.Minute, nil},
		{none, 2 * time.Minute, nil}, {none, 2 * time.Minute, nil},
		{none, 2 * time.Minute, errCutOff},
		{down, 4 * time.Minute, nil},
		{down, 6 * time.Minute, errSilent},
		{"no JSON", 7 * time.Minute, nil},
	} {
		if err := s.statistics(c.text, now.Add(c.after)); err != c.want { //nolint:errorlint // that very one
			t.Errorf("%s after %s: %v, want %v", c.text, c.after, err, c.want)
		}
	}
}
