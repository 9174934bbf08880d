package configs

import (
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// sourceName keeps names of sources fit for logs, metrics and file names.
var sourceName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// used tells whether the main cluster is asked for anything.
func (k *Kafka) used() bool { return len(k.Topics) > 0 || k.DeadLetterTopic != "" }

// placeSources says where sources came from that no file gave.
func (l *loader) placeSources() {
	s := &l.config.Sources
	for i := range s.Directories {
		l.placeRecord("sources.directories", &s.Directories[i].places)
	}
	for i := range s.Kafka {
		l.placeRecord("sources.kafka", &s.Kafka[i].places)
	}
}

func (l *loader) placeRecord(list string, p *places) {
	if strings.HasPrefix(p.path, "[") {
		p.own, p.path = l.place(list), list+p.path
	}
}

// checkSources looks at all that the daemon gets messages from.
func (l *loader) checkSources() {
	k, s := &l.config.Kafka, &l.config.Sources
	l.placeMainCluster()
	switch {
	case len(k.Topics) > 0:
	case len(s.Directories)+len(s.Kafka) == 0:
		if !l.faultyIn("kafka.topics") && !l.faultyIn("sources") {
			l.problems = append(l.problems, Problem{Place: l.place("kafka.topics"), Key: "kafka.topics",
				Reason: "is needed, but not given, and sources names no folder or cluster either"})
		}
	case k.DeadLetterTopic == "" && l.set("kafka.bootstrap_servers"):
		l.warn("kafka.bootstrap_servers", "has no effect without kafka.topics")
	}
	if k.used() || len(s.Directories)+len(s.Kafka) == 0 {
		l.checkCluster(&k.KafkaCluster)
	}
	l.checkClusters()
	l.checkLetters()
	l.checkDirectories()
}

// placeMainCluster says where the keys of the section kafka came from.
func (l *loader) placeMainCluster() {
	k := &l.config.Kafka
	k.Name = mainCluster
	k.places = places{own: l.path, path: mainCluster, byName: map[string]string{}}
	for _, key := range k.keys() {
		if _, name := cut(key.path); l.set(key.path) {
			k.places.byName[name] = l.origins[key.path].place
		}
	}
}

// checkClusters looks at the further clusters.
func (l *loader) checkClusters() {
	names := map[string]bool{mainCluster: true, "retry": true}
	all := l.config.Sources.Kafka
	for i := range all {
		c := &all[i]
		switch {
		case c.Name == "":
			l.complain(c.places, "name", "", "is needed, but not given")
		case !sourceName.MatchString(c.Name):
			l.complain(c.places, "name", c.Name, "is not made of letters, digits, - _ and dots")
		case names[c.Name]:
			l.complain(c.places, "name", c.Name, "is the name of another source, too")
		}
		names[c.Name] = true
		if len(c.Topics) == 0 {
			l.complain(c.places, "topics", "", "is needed, but not given")
		}
		if c.GroupID == "" && c.Librdkafka["group.id"] == "" {
			if !l.set("kafka.group_id") {
				l.complain(c.places, "group_id", "", "is needed, but not given; or give kafka.group_id, which counts for all")
			}
			c.GroupID = l.config.Kafka.GroupID
		}
		l.checkCluster(c)
	}
}

// checkCluster looks at what is needed to get into one cluster.
func (l *loader) checkCluster(c *KafkaCluster) {
	// The peer's default is sasl_ssl with placeholders as credentials: a site that gave
	// its own keeps working, one that gave none has a broker that asks for none.
	if c.places.byName["security_protocol"] == "" && c.SASLUsername != "" {
		c.SecurityProtocol = saslSSL
	}
	p := c.Properties()
	if p["bootstrap.servers"] == "" {
		why := "is needed, but not given"
		if c.places.byName["bootstrap_servers"] != "" {
			why = "is empty"
		}
		l.complain(c.places, "bootstrap_servers", "", why)
	}
	l.checkPassword(c, p)
	if strings.EqualFold(strings.TrimSpace(p["auto.offset.reset"]), "error") {
		l.complain(c.places, "librdkafka", "", "auto.offset.reset=error would leave a group without a committed position standing still for ever: use earliest or latest")
	}
	for _, name := range slices.Sorted(maps.Keys(c.Librdkafka)) {
		if adaptersBusiness(name) {
			l.warnings = append(l.warnings, Problem{Place: c.places.at("librdkafka"), Key: c.places.key("librdkafka"),
				Reason: name + " has no effect: finished messages are always committed by hand"})
		}
	}
}

// checkPassword finds what librdkafka would refuse with a riddle.
func (l *loader) checkPassword(c *KafkaCluster, p map[string]string) {
	mechanism := strings.ToUpper(p["sasl.mechanisms"])
	byPassword := mechanism == "PLAIN" || strings.HasPrefix(mechanism, "SCRAM-")
	if !strings.HasPrefix(strings.ToLower(p["security.protocol"]), "sasl") || !byPassword {
		return
	}
	for _, need := range []struct{ property, name string }{
		{"sasl.username", "sasl_username"}, {"sasl.password", "sasl_password"},
	} {
		if p[need.property] == "" && !l.faulty(c.places.key(need.name+"_file")) {
			l.complain(c.places, need.name, "", "is needed with "+p["security.protocol"]+" and "+mechanism+", but not given")
		}
	}
}

// checkLetters finds letters that would come back as messages, for ever.
func (l *loader) checkLetters() {
	clusters := []*KafkaCluster{&l.config.Kafka.KafkaCluster}
	for i := range l.config.Sources.Kafka {
		clusters = append(clusters, &l.config.Sources.Kafka[i])
	}
	for _, to := range clusters {
		if to.DeadLetterTopic == "" {
			continue
		}
		for _, from := range clusters {
			if from.Properties()["bootstrap.servers"] == to.Properties()["bootstrap.servers"] && from.reads(to.DeadLetterTopic) {
				l.complain(to.places, "dead_letter_topic", to.DeadLetterTopic,
					"is among the topics that messages are read from ("+from.places.key("topics")+"): its letters would come back for ever")
			}
		}
	}
}

// reads tells whether messages of the topic arrive; a name that begins with ^ is a
// pattern.
func (c *KafkaCluster) reads(topic string) bool {
	return slices.ContainsFunc(c.Topics, func(t string) bool {
		if !strings.HasPrefix(t, "^") {
			return t == topic
		}
		pattern, err := regexp.Compile(t)
		return err == nil && pattern.MatchString(topic)
	})
}

// checkDirectories looks at the folders to watch; whether they are there is seen later.
func (l *loader) checkDirectories() {
	all := l.config.Sources.Directories
	for i := range all {
		d := &all[i]
		switch {
		case d.Path == "":
			l.complain(d.places, "path", "", "is needed, but not given")
			continue
		case !filepath.IsAbs(d.Path):
			l.complain(d.places, "path", d.Path, "must begin with /")
			continue
		case strings.ContainsFunc(d.Path, isControl):
			l.complain(d.places, "path", d.Path, "holds control characters")
			continue
		}
		d.Path = filepath.Clean(d.Path)
		l.checkPatterns(d.places, "include", d.Include)
		l.checkPatterns(d.places, "exclude", d.Exclude)
		l.checkOwnFiles(d.places, tree{d.Path, d.Include, d.Exclude, d.Recursive})
		for j := range all[:i] {
			l.checkApart(d, &all[j])
		}
	}
}

func (l *loader) checkPatterns(p places, name string, patterns []string) {
	for _, pattern := range patterns {
		switch _, err := path.Match(pattern, ""); {
		case err != nil:
			l.complain(p, name, pattern, "is not a pattern like *.hdf: a [ without its ], or a \\ at its end")
		case strings.HasPrefix(pattern, "/"), strings.Contains(pattern, "**"):
			l.complain(p, name, pattern, "is not a pattern like *.hdf or raw/*.hdf: those with a / begin below path, and ** is not known")
		}
	}
}

// tree is a folder in which files are looked for.
type tree struct {
	path             string
	include, exclude []string
	recursive        bool
}

// checkOwnFiles finds folders whose patterns take what the ingestor itself writes
// there: a message file for each message file, without end.
func (l *loader) checkOwnFiles(p places, d tree) (found bool) {
	f := &l.config.Ingestion.FileHandling
	dir := filepath.Clean(f.IngestorFilesDirectory)
	switch within, err := filepath.Rel(d.path, dir); {
	case filepath.IsAbs(dir) && (err != nil || !filepath.IsLocal(within)):
		return false
	case !filepath.IsAbs(dir) && dir != "." && !d.recursive:
		return false
	}
	var missing []string
	for _, own := range []struct {
		written   bool
		extension string
	}{{f.MessageToFile, f.MessageFileExtension}, {f.SaveFileHash, f.HashFileExtension}} {
		name := "x." + own.extension
		takes := len(d.include) == 0 || slices.ContainsFunc(d.include, func(pattern string) bool { return matches(path.Base(pattern), name) })
		leaves := slices.ContainsFunc(d.exclude, func(pattern string) bool {
			return matches(pattern, name) || matches(pattern, filepath.Base(dir))
		})
		if own.written && takes && !leaves {
			missing = append(missing, "'*."+own.extension+"'")
		}
	}
	if len(missing) > 0 {
		l.complain(p, "include", "", "takes the files that the ingestor writes itself, too; add "+strings.Join(missing, " and ")+" to exclude")
	}
	return len(missing) > 0
}

func matches(pattern, name string) bool {
	is, err := path.Match(pattern, name)
	return err == nil && is
}

// checkApart finds folders that are watched twice.
func (l *loader) checkApart(a, b *Directory) {
	if a.Path == b.Path {
		l.complain(a.places, "path", a.Path, "is watched already ("+b.places.own+")")
		return
	}
	outer, inner := b, a
	if within, err := filepath.Rel(a.Path, b.Path); err == nil && filepath.IsLocal(within) {
		outer, inner = a, b
	}
	if within, err := filepath.Rel(outer.Path, inner.Path); err == nil && filepath.IsLocal(within) && outer.Recursive {
		l.warnings = append(l.warnings, Problem{Place: inner.places.at("path"), Key: inner.places.key("path"), Value: shown(inner.Path, false),
			Reason: "lies in " + outer.Path + ", which is watched as well: files that both take are handled twice"})
	}
}
