package configs

// Program says for whom the configuration is loaded: which flags exist and what must
// not be missing.
type Program int

// The programs.
const (
	// Offline ingests files: no --kafka.* and --health-check.* flags; scicat.host is needed.
	Offline Program = iota
	// Online is the daemon: all flags but those of one file; also kafka.topics is needed.
	Online
	// Tool is a helping command of the offline program: its flags, but nothing is needed, not even a file.
	Tool
)

// has tells whether the program has a flag for k.
func (p Program) has(k key) bool { return p == Online || !k.online }

// required are the keys that somebody must have set.
func (p Program) required() []string {
	switch p {
	case Offline:
		return []string{"scicat.host"}
	case Online:
		return []string{"kafka.topics", "scicat.host"}
	default:
		return nil
	}
}
