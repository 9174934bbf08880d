package configs

// Logging says where log lines go besides standard error.
type Logging struct {
	Verbose           bool
	FileLog           bool
	FileLogBaseName   string
	FileLogTimestamp  bool
	FileLogMaxSize    int64  // bytes; 0 = without limit
	FileLogKeep       int    // full files that stay
	LoggingLevel      string // DEBUG, INFO, WARNING, ERROR or CRITICAL
	LogMessagePrefix  string
	SystemLog         bool
	SystemLogFacility string
	Graylog           bool
	GraylogHost       string
	GraylogPort       int    // 12201 when not given
	GraylogProtocol   string // udp or tcp
	GraylogFacility   string
}

// graylogPort is GELF's own port.
const graylogPort = 12201

func (l *Logging) keys() []key {
	return []key{
		{path: "logging.verbose", value: boolean(&l.Verbose), standard: "false",
			doc: "On a terminal, show log lines in full, with date and process, instead of in short. Elsewhere they always are."},
		{path: "logging.file_log", value: boolean(&l.FileLog), standard: "false",
			doc: "Append log lines to a file as well."},
		{path: "logging.file_log_base_name", value: text(&l.FileLogBaseName), standard: "scicat_ingestor_log",
			doc: "The file is called <this>_.log; it may start with a folder. The daemon and its children share it, each line says whose it is."},
		{path: "logging.file_log_timestamp", value: boolean(&l.FileLogTimestamp), standard: "false",
			doc: "Give each process a file of its own, <base name>_<time of its start>_.log."},
		{path: "logging.file_log_max_size", value: size(&l.FileLogMaxSize, 0), standard: "100MB",
			doc: "A file that grows larger is put aside and a new one begun; a number of bytes, or with a unit. 0: never."},
		{path: "logging.file_log_keep", value: number(&l.FileLogKeep, 1, 1_000), standard: "5",
			doc: "How many files put aside are kept."},
		{path: "logging.logging_level", value: level(&l.LoggingLevel), standard: "INFO",
			doc: "Least important lines to keep: DEBUG, INFO, WARNING, ERROR or CRITICAL, in any case."},
		{path: "logging.log_message_prefix", value: text(&l.LogMessagePrefix), standard: "SFI",
			doc: "First word of each line."},
		{path: "logging.system_log", value: boolean(&l.SystemLog), standard: "false",
			doc: "Send log lines to the system log, /dev/log, as well."},
		{path: "logging.system_log_facility", value: text(&l.SystemLogFacility), standard: "mail",
			doc: "Facility there: kern, user, mail, daemon, auth, syslog, lpr, news, uucp, cron, authpriv, ftp, local0 to local7."},
		{path: "logging.graylog", value: boolean(&l.Graylog), standard: "false",
			doc: "Send log lines to a Graylog server (GELF) as well."},
		{path: "logging.graylog_host", value: text(&l.GraylogHost),
			doc: "Its name or address."},
		{path: "logging.graylog_port", value: port(&l.GraylogPort, graylogPort), standard: "12201",
			doc: "Its port."},
		{path: "logging.graylog_protocol", value: oneOf(&l.GraylogProtocol, "udp", "tcp"), standard: "udp",
			doc: "udp (compressed, in chunks when large) or tcp."},
		{path: "logging.graylog_facility", value: text(&l.GraylogFacility), standard: "scicat.ingestor",
			doc: "Facility there."},
	}
}
