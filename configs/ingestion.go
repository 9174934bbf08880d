package configs

import "time"

// Ingestion says how files become datasets and how children are run.
type Ingestion struct {
	DryRun                            bool
	OfflineIngestorExecutable         []string      // argv prefix of a child, at least one word
	MaxOfflineIngestors               int           // children at the same time, at least 1
	OfflineIngestorsWaitTime          time.Duration // between looks at a full pool
	SchemasDirectory                  string        // relative to the working directory
	FallbackSchemaFilePath            string        // "" = none; a path or the name ess-fallback
	CheckIfDatasetExistsByPID         bool
	CheckIfDatasetExistsByMetadata    bool
	CheckIfDatasetExistsByMetadataKey string // machine name in scientificMetadata

	ChildTimeout  time.Duration // 0 = no limit
	KillDelay     time.Duration // between TERM and KILL
	DrainTimeout  time.Duration // how long children may go on after SIGTERM
	MaxAttempts   int           // of one file, at least 1
	RetryDelay    time.Duration // first pause between attempts
	RetryMaxDelay time.Duration // longest pause between attempts

	StateDirectory   string        // "" only where the environment names no home
	MessageRetention time.Duration // how long the ledger remembers messages that are dealt with; 0 = for ever

	FileHandling FileHandling
}

func (i *Ingestion) keys() []key {
	return []key{
		{path: "ingestion.dry_run", value: boolean(&i.DryRun), standard: "false", short: "d",
			doc: "Do everything except posting to the catalogue and writing files; show what would be sent. The daemon starts no children."},
		{path: "ingestion.offline_ingestor_executable", value: words(&i.OfflineIngestorExecutable), standard: "offline-ingestor",
			doc: "Program that ingests one file, with its leading arguments, as a list or as one text split at spaces. It is started as PROGRAM -c FILE --nexus-file FILE. Put a scheduler's command before it to run it elsewhere: [srun, offline-ingestor]."},
		{path: "ingestion.max_offline_ingestors", value: number(&i.MaxOfflineIngestors, 1, 10_000), standard: "10",
			doc: "How many files are ingested at the same time."},
		{path: "ingestion.offline_ingestors_wait_time", value: duration(&i.OfflineIngestorsWaitTime, 0), standard: "10", unit: seconds,
			doc: "How often a full pool is looked at again. A child that ends frees its place at once, so this is only an upper bound."},
		{path: "ingestion.schemas_directory", value: text(&i.SchemasDirectory), standard: "schemas",
			doc: "Folder with the metadata schemas, *.imsc.yml, *.imsc.yaml and *.imsc.json. A relative path starts at the working directory."},
		{path: "ingestion.fallback_schema_file_path", value: text(&i.FallbackSchemaFilePath),
			doc: "Schema for files that no selector matches: a path, or ess-fallback for the built-in one. Empty: such files fail."},
		{path: "ingestion.check_if_dataset_exists_by_pid", value: boolean(&i.CheckIfDatasetExistsByPID), standard: "true",
			doc: "Ask the catalogue for the pid before anything is posted."},
		{path: "ingestion.check_if_dataset_exists_by_metadata", value: boolean(&i.CheckIfDatasetExistsByMetadata), standard: "true",
			doc: "Ask the catalogue for a dataset with the same value of the next key before anything is posted."},
		{path: "ingestion.check_if_dataset_exists_by_metadata_key", value: text(&i.CheckIfDatasetExistsByMetadataKey), standard: "job_id",
			doc: "Machine name of that scientific metadata field. A file without it is not checked this way."},
		{path: "ingestion.child_timeout", value: duration(&i.ChildTimeout, 0), standard: "1h", unit: seconds,
			doc: "A child that runs longer gets SIGTERM, and SIGKILL after kill_delay. 0: no limit."},
		{path: "ingestion.kill_delay", value: duration(&i.KillDelay, 0), standard: "10s", unit: seconds,
			doc: "Time between SIGTERM and SIGKILL, of one child and at the end of a drain."},
		{path: "ingestion.drain_timeout", value: duration(&i.DrainTimeout, 0), standard: "60s", unit: seconds,
			doc: "When the daemon is told to stop, how long running children may go on. Keep it, plus kill_delay, below the service manager's stop limit."},
		{path: "ingestion.max_attempts", value: number(&i.MaxAttempts, 1, 1_000_000), standard: "5",
			doc: "Attempts of one file that fails for a passing reason, or whose child dies by a signal, before it is given up. Outages of the catalogue do not count."},
		{path: "ingestion.retry_delay", value: duration(&i.RetryDelay, 0), standard: "5s", unit: seconds,
			doc: "First pause between two attempts of one file; it doubles each time, with some jitter."},
		{path: "ingestion.retry_max_delay", value: duration(&i.RetryMaxDelay, 0), standard: "5m", unit: seconds,
			doc: "Longest pause between two attempts of one file."},
		{path: "ingestion.state_directory", value: text(&i.StateDirectory),
			doc: "Folder of the ledger, which remembers what became of which file. On a local disk; the programs of one machine share it. Empty: $STATE_DIRECTORY (as systemd sets it), else $XDG_STATE_HOME/ingestor, else ~/.local/state/ingestor. Where it can not be made, files are ingested without it; where it is there but full or not writable, the daemon waits until it is mended."},
		{path: "ingestion.message_retention", value: duration(&i.MessageRetention, 0), standard: "2160h", unit: seconds,
			doc: "How long the ledger remembers messages that are dealt with; those in vain stay until they are replayed, and those of watched folders stay. 0: for ever."},
	}
}
