package configs

import "time"

// FileHandling says what is read from a data file besides its metadata, and what is
// written beside it.
type FileHandling struct {
	ComputeFileStats       bool
	ComputeFileHash        bool
	FileHashAlgorithm      string // one of HashAlgorithms when ComputeFileHash
	SaveFileHash           bool   // implies ComputeFileHash (D5)
	HashFileExtension      string // without the dot
	IngestorFilesDirectory string // relative = to the data file's folder
	MessageToFile          bool
	MessageFileExtension   string // without the dot
	FilePathType           string // as given; ask Relative
	DataDirectory          string // "" = not watched by the health check (D40)
	DataFileOpenMaxTries   int    // number of retries, so one more opening
	DataFileOpenRetryDelay []time.Duration
	DataFileReadTimeout    time.Duration
}

// HashAlgorithms are the names that file_hash_algorithm takes, those of Python's hashlib (D4).
func HashAlgorithms() []string {
	return []string{
		"blake2b", "blake2s", "md5", "sha1", "sha224", "sha256", "sha384", "sha512",
		"sha3_224", "sha3_256", "sha3_384", "sha3_512",
	}
}

// Relative tells whether file paths are sent relative to the dataset's sourceFolder.
// As with the peer, every word but "relative" means absolute.
func (f *FileHandling) Relative() bool { return f.FilePathType == relativePath }

const (
	relativePath = "relative"
	absolutePath = "absolute"
)

const (
	retryDelayMin     = time.Second
	retryDelayMax     = 120 * time.Second
	retryDelayDefault = 3 * time.Second
)

// RetryDelays are the pauses between tries to open a data file; n pauses are n+1
// tries. As with the peer each is clamped to 1..120 s, a short list is extended by
// its last value, a list longer than the number of retries gives more retries, and
// no list means 3 s each.
func (f *FileHandling) RetryDelays() []time.Duration {
	n := max(f.DataFileOpenMaxTries, len(f.DataFileOpenRetryDelay))
	delays := make([]time.Duration, 0, n)
	last := retryDelayDefault
	for i := range n {
		if i < len(f.DataFileOpenRetryDelay) {
			last = min(max(f.DataFileOpenRetryDelay[i], retryDelayMin), retryDelayMax)
		}
		delays = append(delays, last)
	}
	return delays
}

func (f *FileHandling) keys() []key {
	const p = "ingestion.file_handling."
	return []key{
		{path: p + "compute_file_stats", value: boolean(&f.ComputeFileStats), standard: "true",
			doc: "Send size, time, owner and permissions of each file."},
		{path: p + "compute_file_hash", value: boolean(&f.ComputeFileHash), standard: "true",
			doc: "Send a checksum of the data file. The whole file is read for it."},
		{path: p + "file_hash_algorithm", value: text(&f.FileHashAlgorithm), standard: "blake2b",
			doc: "One of blake2b, blake2s, md5, sha1, sha224, sha256, sha384, sha512, sha3_224, sha3_256, sha3_384, sha3_512."},
		{path: p + "save_file_hash", value: boolean(&f.SaveFileHash), standard: "true",
			doc: "Write the checksum to a file of its own, which becomes part of the dataset. Needs compute_file_hash."},
		{path: p + "hash_file_extension", value: text(&f.HashFileExtension), standard: "b2b",
			doc: "Its name is the data file's, with this instead of the last extension."},
		{path: p + "ingestor_files_directory", value: text(&f.IngestorFilesDirectory), standard: "../ingestor",
			doc: "Folder for checksum and message files; it is made when missing. A relative path starts at the data file's folder."},
		{path: p + "message_to_file", value: boolean(&f.MessageToFile), standard: "true",
			doc: "Write the message that announced a file to a JSON file, which becomes part of the dataset. online-ingestor only."},
		{path: p + "message_file_extension", value: text(&f.MessageFileExtension), standard: "message.json",
			doc: "Its name is the data file's, with this instead of the last extension."},
		{path: p + "file_path_type", value: text(&f.FilePathType), standard: relativePath,
			doc: "relative: file paths are sent relative to the dataset's sourceFolder. absolute: as they are."},
		{path: p + "data_directory", value: text(&f.DataDirectory),
			doc: "Folder whose presence the health check looks at as storage. Empty: storage is not checked."},
		{path: p + "data_file_open_max_tries", value: number(&f.DataFileOpenMaxTries, 0, 10_000), standard: "3",
			doc: "How often opening a data file is tried again when it is not there, not complete or locked."},
		{path: p + "data_file_open_retry_delay", value: durations(&f.DataFileOpenRetryDelay), unit: seconds,
			doc: "Pauses before these tries, each between 1 and 120 s. The last one repeats; a longer list means more tries; none means 3 s each."},
		{path: p + "data_file_read_timeout", value: duration(&f.DataFileReadTimeout, 100*time.Millisecond), standard: "1m", unit: seconds,
			doc: "How long reading one value may take before the file counts as corrupt: the HDF5 library loops on some such files."},
	}
}
