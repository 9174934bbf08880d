package filewriter

// The identifiers of the two schemas, as they stand in bytes 4 to 8.
const (
	// WritingDoneID is the identifier of a WritingDone.
	WritingDoneID = "wrdn"
	// RunStartID is the identifier of a RunStart.
	RunStartID = "pl72"
)

const (
	identifierStart = 4
	identifierEnd   = 8
)

// Identifier is the schema that a message says it has, for logs and counters:
// four printable characters, or "" where there are none.
func Identifier(p []byte) string {
	if len(p) < identifierEnd {
		return ""
	}
	id := p[identifierStart:identifierEnd]
	for _, c := range id {
		if c <= ' ' || c > '~' {
			return ""
		}
	}
	return string(id)
}

func hasIdentifier(p []byte, id string) bool {
	return len(p) >= identifierEnd && string(p[identifierStart:identifierEnd]) == id
}
