package configs

import (
	"fmt"
	"slices"
	"strings"
)

const exampleHead = `# Configuration of online-ingestor, offline-ingestor and frame-forwarder.
#
# Every key has its default here, except where the comment says otherwise; what you do
# not need you can leave out. A configuration of scicat-ingestor works as it is.
#
# Each key can also be given by the environment, INGESTOR_SCICAT_TIMEOUT=30s, and on the
# command line, --scicat.timeout 30s, which wins over the environment, which wins over
# this file. Durations are seconds, or have a unit: 500ms, 90s, 10m, 1h.
# ${VARIABLES} in this file are not expanded.
`

// exampleWidth is where comments wrap.
const exampleWidth = 96

// Example is a configuration file with every key, each explained. It is made from the
// definitions; configs/ingestor.example.yml is a copy of it.
func Example() []byte {
	var b strings.Builder
	b.WriteString(exampleHead)
	c := new(Config)
	for _, s := range c.sections() {
		indent := ""
		b.WriteByte('\n')
		if s.name != "" {
			depth := strings.Count(s.name, ".")
			indent = strings.Repeat("  ", depth)
			comment(&b, indent, s.doc)
			fmt.Fprintf(&b, "%s%s:\n", indent, s.name[strings.LastIndexByte(s.name, '.')+1:])
			indent += "  "
		}
		for i, k := range s.keys {
			if i > 0 && indent == "" {
				b.WriteByte('\n')
			}
			exampleKey(&b, indent, k)
		}
	}
	return []byte(b.String())
}

func exampleKey(b *strings.Builder, indent string, k key) {
	// A default that does not parse is found by a test.
	_ = k.value.set(k.standard)
	shown, doc := k.value.yaml(), k.doc
	if k.sample != "" {
		shown = k.sample
		switch standard := k.value.text(); {
		case slices.Contains(Online.required(), k.path):
			doc += " Must be given."
		case k.path == "kafka.topics":
		case standard == "":
			doc += " Default: none."
		default:
			doc += " Default: " + standard + "."
		}
	}
	comment(b, indent, doc)
	name := k.path[strings.LastIndexByte(k.path, '.')+1:]
	if k.optional {
		fmt.Fprintf(b, "%s%s:\n", indent, name)
		exampleBehindSigns(b, indent, k.value.(structured))
		return
	}
	if s, is := k.value.(structured); is {
		fmt.Fprintf(b, "%s%s:\n", indent, name)
		s.example(b, indent)
		return
	}
	fmt.Fprintf(b, "%s%s: %s\n", indent, name, shown)
}

// exampleBehindSigns writes an entry that counts once "# " is taken away before it.
func exampleBehindSigns(b *strings.Builder, indent string, s structured) {
	const sign = "# "
	var lines strings.Builder
	s.example(&lines, indent+strings.Repeat(" ", len(sign)))
	for line := range strings.Lines(lines.String()) {
		b.WriteString(indent + sign + line[len(indent)+len(sign):])
	}
}

// comment writes text as comment lines of at most exampleWidth columns.
func comment(b *strings.Builder, indent, text string) {
	line := indent + "#"
	for _, word := range strings.Fields(text) {
		if len(line)+1+len(word) > exampleWidth && line != indent+"#" {
			b.WriteString(line + "\n")
			line = indent + "#"
		}
		line += " " + word
	}
	b.WriteString(line + "\n")
}
