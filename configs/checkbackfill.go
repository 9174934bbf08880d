package configs

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// checkBackfill looks at the jobs; whether their folders are there is seen later.
func (l *loader) checkBackfill() {
	jobs := l.config.Backfill.Jobs
	for _, name := range slices.Sorted(maps.Keys(jobs)) {
		j := jobs[name]
		j.Name = name
		if strings.HasPrefix(j.places.path, name) { // no file gave it
			j.places.own, j.places.path = l.place("backfill.jobs"), "backfill.jobs."+j.places.path
		}
		if !sourceName.MatchString(name) {
			l.problems = append(l.problems, Problem{Place: j.places.own, Key: j.places.path, Reason: "is no name of a job: that is made of letters, digits, - _ and dots"})
		}
		l.checkRoots(&j)
		l.checkPatterns(j.places, "include", j.Include)
		l.checkPatterns(j.places, "exclude", j.Exclude)
		for _, root := range j.Roots {
			if l.checkOwnFiles(j.places, tree{root, j.Include, j.Exclude, true}) {
				break // one line says it for all of them
			}
		}
		if strings.HasPrefix(j.Topic, "^") {
			l.complain(j.places, "topic", j.Topic, "is a pattern, and publishing needs the name of a topic")
		}
		switch {
		case j.Textfile == "":
		case !filepath.IsAbs(j.Textfile):
			l.complain(j.places, "textfile", j.Textfile, "must begin with /")
		case filepath.Ext(j.Textfile) != ".prom":
			l.complain(j.places, "textfile", j.Textfile, "must end with .prom: the collector reads no others")
		}
		jobs[name] = j
	}
}

func (l *loader) checkRoots(j *BackfillJob) {
	if len(j.Roots) == 0 && !l.faulty(j.places.key("roots")) {
		l.complain(j.places, "roots", "", "is needed, but not given")
	}
	for i, root := range j.Roots {
		switch {
		case !filepath.IsAbs(root):
			l.complain(j.places, "roots", root, "must begin with /")
		case strings.ContainsFunc(root, isControl):
			l.complain(j.places, "roots", root, "holds control characters")
		default:
			j.Roots[i] = filepath.Clean(root)
		}
	}
}
