package configs

import "time"

// Sources are further places where finished files are announced.
type Sources struct {
	Directories []Directory
	Kafka       []KafkaCluster
}

// Directory is a folder to watch for finished files.
type Directory struct {
	Path      string        // absolute and clean
	Include   []string      // patterns of path.Match; none = all files but hidden ones
	Exclude   []string      // patterns, stronger than Include
	Settle    time.Duration // how long a file must not have changed
	ScanEvery time.Duration // between looks at the whole folder, at least 100 ms
	Recursive bool          // folders below it, too

	places places
}

// Place is where the key of the entry was given, else where the entry was:
// "ingestor.yml:12" or a variable.
func (d *Directory) Place(key string) string { return d.places.at(key) }

// Key is the whole path of a key of the entry, such as sources.directories[0].path.
func (d *Directory) Key(name string) string { return d.places.key(name) }

// leastScan keeps a wrong unit from keeping the disk busy.
const leastScan = 100 * time.Millisecond

func (s *Sources) keys() []key {
	return []key{
		{path: "sources.directories", online: true, optional: true,
			value: records[Directory]{target: &s.Directories, keys: (*Directory).keys, found: func(d *Directory) *places { return &d.places }},
			doc:   "Folders to watch, for sites without Kafka: each file that is finished there is ingested. In the environment and as a flag: a list in JSON."},
		{path: "sources.kafka", online: true, optional: true,
			value: records[KafkaCluster]{target: &s.Kafka, keys: (*KafkaCluster).record, found: func(c *KafkaCluster) *places { return &c.places }, hide: true},
			doc:   "Further Kafka clusters to read from, besides the one of the section kafka. In the environment and as a flag: a list in JSON."},
	}
}

func (d *Directory) keys() []key {
	return []key{
		{path: "path", value: text(&d.Path), sample: "/data",
			doc: "The folder, from the root. It may be away for a while, as a mounted one can be."},
		{path: "include", value: texts(&d.Include), standard: "*.hdf,*.nxs,*.h5",
			doc: "Which files, with * and ? for any characters and [a-z] for one of some. A pattern without / is compared with the file's name, one with / with its path below the folder. Names that begin with a dot need a pattern that does. Empty: all others."},
		{path: "exclude", value: texts(&d.Exclude), sample: "[]",
			doc: "Which of these not, and which folders below not to look into."},
		{path: "settle", value: duration(&d.Settle, 0), standard: "30s", unit: seconds,
			doc: "A file counts as finished when its size and time have not changed for so long; at once, when its own time is older than that and ten minutes. Renaming it into place when it is complete is better still."},
		{path: "scan_every", value: duration(&d.ScanEvery, leastScan), standard: "5m", unit: seconds,
			doc: "How often the whole folder is looked through, for what the kernel did not tell: files on NFS that other machines write are found only so."},
		{path: "recursive", value: boolean(&d.Recursive), standard: "true",
			doc: "Also look into the folders below. Symbolic links are not followed."},
	}
}
