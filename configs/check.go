package configs

import (
	"os"
	"slices"
	"strings"
)

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// check looks at values together, once all layers are applied.
func (l *loader) check() {
	if l.program == Frames {
		l.checkLogging()
		l.checkForwarder()
		return
	}
	l.checkRequired()
	l.checkFiles()
	l.checkRetries()
	l.checkLogging()
	l.checkSciCat()
	if l.program == Online {
		l.checkSources()
		h := &l.config.HealthCheck
		h.MetricsFixed = l.set("health_check.metrics_address")
	}
	if l.program == Publisher {
		l.placeMainCluster()
		l.checkCluster(&l.config.Kafka.KafkaCluster)
	}
	l.checkBackfill()
	l.checkPlaceholders()
	l.checkForwarder()
}

// set tells whether somebody gave the key.
func (l *loader) set(path string) bool { return l.origins[path].layer != byDefault }

// faulty tells whether a fault of the key is noted already.
func (l *loader) faulty(path string) bool {
	return slices.ContainsFunc(l.problems, func(p Problem) bool { return p.Key == path })
}

// place is where the key was given, or else the file.
func (l *loader) place(path string) string {
	if o := l.origins[path]; o.layer != byDefault {
		return o.place
	}
	return l.path
}

func (l *loader) problem(path, reason string) {
	k := l.keys[path]
	value := ""
	if text := k.value.text(); text != "" {
		value = shown(text, k.value.secret())
	}
	l.problems = append(l.problems, Problem{Place: l.place(path), Key: path, Value: value, Reason: reason})
}

func (l *loader) warn(path, reason string) {
	l.warnings = append(l.warnings, Problem{Place: l.place(path), Key: path, Reason: reason})
}

func (l *loader) checkRequired() {
	for _, path := range l.program.required() {
		if (!l.set(path) || l.keys[path].value.text() == "") && !l.faulty(path) {
			l.problems = append(l.problems, Problem{Place: l.place(path), Key: path, Reason: "is needed, but not given"})
		}
	}
}

func (l *loader) checkFiles() {
	f := &l.config.Ingestion.FileHandling
	const p = "ingestion.file_handling."
	if f.SaveFileHash && !f.ComputeFileHash {
		// Whoever set one of them set the wrong one; name the place that exists (D5).
		path := p + "save_file_hash"
		if !l.set(path) {
			path = p + "compute_file_hash"
		}
		l.problems = append(l.problems, Problem{Place: l.place(path), Key: path,
			Reason: "save_file_hash needs compute_file_hash; switch both on or both off"})
	}
	if !slices.Contains(HashAlgorithms(), f.FileHashAlgorithm) {
		reason := "is none of " + strings.Join(HashAlgorithms(), ", ")
		if f.ComputeFileHash {
			l.problem(p+"file_hash_algorithm", reason)
		} else {
			l.warn(p+"file_hash_algorithm", shown(f.FileHashAlgorithm, false)+" "+reason+"; it is sent all the same, as compute_file_hash is off")
		}
	}
	if f.FilePathType != relativePath && f.FilePathType != absolutePath {
		l.warn(p+"file_path_type", shown(f.FilePathType, false)+" is neither relative nor absolute; it is taken as absolute")
	}
}

func (l *loader) checkRetries() {
	if i := &l.config.Ingestion; i.RetryMaxDelay < i.RetryDelay {
		l.problem("ingestion.retry_max_delay", "is less than ingestion.retry_delay, "+shortDuration(i.RetryDelay))
	}
	if s := &l.config.SciCat; s.RetryMaxDelay < s.RetryDelay {
		l.problem("scicat.retry_max_delay", "is less than scicat.retry_delay, "+shortDuration(s.RetryDelay))
	}
}

func (l *loader) checkLogging() {
	g := &l.config.Logging
	if g.Graylog && g.GraylogHost == "" {
		l.problem("logging.graylog_host", "is needed with logging.graylog, but not given")
	}
	if g.FileLog && g.FileLogBaseName == "" {
		l.problem("logging.file_log_base_name", "is needed with logging.file_log, but not given")
	}
}

func (l *loader) checkSciCat() {
	s := &l.config.SciCat
	if l.set("scicat.verify") && !s.Verify {
		l.warn("scicat.verify", "false has no effect, certificates are verified all the same; scicat.insecure_skip_verify really switches it off")
	}
	if s.InsecureSkipVerify {
		l.warn("scicat.insecure_skip_verify", "the catalogue's certificate is not verified, anybody in between can read the token")
	}
	for _, one := range []struct {
		path   string
		secret Secret
	}{{"scicat.token", s.Token}, {"scicat.password", s.Password}} {
		if strings.ContainsFunc(string(one.secret), isControl) {
			l.problems = append(l.problems, Problem{Place: l.place(one.path), Key: one.path, Value: hidden,
				Reason: "holds line ends or other control characters"})
		}
	}
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// checkPlaceholders warns about the peer's sample values that nobody can have meant.
func (l *loader) checkPlaceholders() {
	for _, p := range []struct{ path, text string }{
		{"scicat.host", "https://scicat.host"},
		{"kafka.topics", "KAFKA_TOPIC_1,KAFKA_TOPIC_2"},
		{"kafka.group_id", "GROUP_ID"},
		{"kafka.sasl_username", "USERNAME"},
		{"kafka.ssl_ca_location", "FULL_PATH_TO_CERTIFICATE_FILE"},
	} {
		k := l.keys[p.path]
		if l.program == Tool || k.online && (l.program != Online || !l.config.Kafka.used()) || k.value.text() != p.text {
			continue
		}
		reason := p.text + " is the sample's placeholder; put your own there"
		if !l.set(p.path) {
			reason = "is not given, and the default, " + p.text + ", is a placeholder; put your own there"
		}
		l.warn(p.path, reason)
	}
}
