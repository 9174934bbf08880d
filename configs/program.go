package configs

import "strings"

// Program says for whom the configuration is loaded: which flags exist and what must
// not be missing.
type Program int

// The programs.
const (
	// Offline ingests files: no --kafka.* and --health-check.* flags; scicat.host is needed.
	Offline Program = iota
	// Online is the daemon: all flags but those of one file; also something to read
	// messages from is needed.
	Online
	// Tool is a helping command of the offline program: its flags, but nothing is needed, not even a file.
	Tool
	// Frames moves frames: logging, the forwarder's section, and the flags and
	// variables of dranspose's ingesters. A stream is needed, but no file.
	Frames
	// Backfiller looks through folders: Offline's flags, and those of its own section;
	// scicat.host is needed.
	Backfiller
	// Publisher is Backfiller that hands files to the daemons by way of Kafka: the same
	// flags; the password of the main cluster is read, too, and a way to get in needed.
	Publisher
)

// has tells whether the program has a flag for k.
func (p Program) has(k key) bool {
	if p == Frames {
		return k.forwarder || p.reads(k.path)
	}
	if k.backfill {
		return p.backfills()
	}
	return !k.forwarder && (p == Online || !k.online)
}

func (p Program) backfills() bool { return p == Backfiller || p == Publisher }

// reads tells whether the program uses what lies at path at all.
func (p Program) reads(path string) bool {
	section, _, _ := strings.Cut(path, ".")
	// An element of a list stands behind its name: a[0].
	section, _, _ = strings.Cut(section, "[")
	switch section {
	case "forwarder":
		return p == Frames
	case "backfill":
		return p.backfills()
	case "dataset", "ingestion", "kafka", "scicat", "health_check", "sources", "nexus_file", "done_writing_message_file":
		return p != Frames
	default:
		return true
	}
}

// owners are the programs that have a flag for k, in words.
func owners(k key) string {
	switch {
	case k.forwarder:
		return "frame-forwarder has it"
	case k.backfill:
		return "offline-ingestor backfill has it"
	case k.online:
		return "online-ingestor has it"
	default:
		return "online-ingestor and offline-ingestor have it"
	}
}

// required are the keys that somebody must have set.
func (p Program) required() []string {
	switch p {
	case Offline, Online, Backfiller, Publisher:
		return []string{"scicat.host"}
	default:
		return nil
	}
}
