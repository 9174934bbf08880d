package configs

// Config is everything that can be configured. Its zero value is not useful: Load
// fills the defaults. An absent section and an empty one are the same.
type Config struct {
	NexusFile              string // file to ingest, offline program only
	DoneWritingMessageFile string // saved message that announced it, offline program only
	ConfigFile             string // path of the file that was loaded, as given
	ID                     string // free text, never sent

	Dataset     Dataset
	Ingestion   Ingestion
	Kafka       Kafka
	Sources     Sources
	Logging     Logging
	SciCat      SciCat
	HealthCheck HealthCheck
	Backfill    Backfill
	Forwarder   Forwarder
}

// section is a group of keys with the text that introduces it in the example.
type section struct {
	name string // dotted path, "" for the keys at the top level
	doc  string
	keys []key
}

// sections binds all definitions to c, in the order of the example file.
func (c *Config) sections() []section {
	return []section{
		{"", "", c.keys()},
		{"dataset", "What a dataset gets when its schema says nothing.", c.Dataset.keys()},
		{"ingestion", "How files are ingested.", c.Ingestion.keys()},
		{"ingestion.file_handling", "What is read from and written beside a data file.", c.Ingestion.FileHandling.keys()},
		{"kafka", "Where the file writer's messages come from; only online-ingestor reads this section.", c.Kafka.keys()},
		{"sources", "Where finished files are announced besides; only online-ingestor reads this section. With an entry here kafka.topics may be missing.", c.Sources.keys()},
		{"logging", "Logs always go to standard error; these keys add further places.", c.Logging.keys()},
		{"scicat", "How the catalogue is reached.", c.SciCat.keys()},
		{"scicat.api_endpoints", "Path of each resource below scicat.host; a leading / does not leave it.", c.SciCat.APIEndpoints.keys()},
		{"health_check", "Address on which online-ingestor answers GET /health.", c.HealthCheck.keys()},
		{"backfill", "What offline-ingestor backfill looks through, by hand or from cron; only that command reads this section, see docs/backfill.md.", c.Backfill.keys()},
		{"forwarder", "How frames go from detectors to dranspose's workers; only frame-forwarder reads this section.", c.Forwarder.keys()},
	}
}

// each calls f for every key of c.
func (c *Config) each(f func(key)) {
	for _, s := range c.sections() {
		for _, k := range s.keys {
			f(k)
		}
	}
}

func (c *Config) keys() []key {
	return []key{
		{path: "nexus_file", value: text(&c.NexusFile), onlyFlag: true,
			doc: "File to ingest. offline-ingestor only, and normally given on the command line."},
		{path: "done_writing_message_file", value: text(&c.DoneWritingMessageFile), onlyFlag: true,
			doc: "Saved message that announced the file; it becomes one more entry of the dataset's file list. offline-ingestor only."},
		{path: "config_file", value: text(&c.ConfigFile), short: "c", onlyFlag: true,
			doc: "Configuration file. Only the flag and the environment variable count; the key is accepted in the file for compatibility."},
		{path: "id", value: text(&c.ID),
			doc: "Free text that tells this configuration from others. Never sent to the catalogue."},
	}
}
