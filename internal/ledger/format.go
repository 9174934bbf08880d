package ledger

// application marks the database as ours (PRAGMA application_id): "ingl".
const application = 0x696e676c

// formats are the steps from each format to the next; what is released is never
// changed, only added to. The first makes format 1 out of an empty database.
//
// A row of files is one content of one file in one catalogue, which is empty for
// one that was noted before there was this column; a row of messages is one
// message of one source of one deployment; a row of published is the newest
// content of a file that a job has published. Times are nanoseconds since 1970,
// UTC; 0 is none, but for those of files and of marks, where no mark is NULL.
// States and outcomes are text without a CHECK, which could not be altered later.
// What may be large stands last, so that the rest is read without it.
func formats() []string {
	return []string{`
CREATE TABLE files (
	id        INTEGER PRIMARY KEY,
	path      TEXT    NOT NULL,
	size      INTEGER NOT NULL,
	mtime     INTEGER NOT NULL,
	device    INTEGER NOT NULL,
	inode     INTEGER NOT NULL,
	state     TEXT    NOT NULL,
	pid       TEXT    NOT NULL,
	datablock TEXT    NOT NULL,
	job       TEXT    NOT NULL,
	schema    TEXT    NOT NULL,
	attempts  INTEGER NOT NULL,
	error     TEXT    NOT NULL,
	class     TEXT    NOT NULL,
	exit      INTEGER NOT NULL,
	first     INTEGER NOT NULL,
	last      INTEGER NOT NULL,
	host      TEXT    NOT NULL,
	version   TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX files_content ON files (path, size, mtime);
CREATE INDEX files_pid ON files (pid) WHERE pid <> '';
`, `
ALTER TABLE files ADD COLUMN catalogue TEXT NOT NULL DEFAULT '';
DROP INDEX files_content;
CREATE UNIQUE INDEX files_content ON files (path, size, mtime, catalogue);
CREATE TABLE deployments (
	id             TEXT PRIMARY KEY,
	catalogue      TEXT NOT NULL,
	consumer_group TEXT NOT NULL
) STRICT;
CREATE TABLE messages (
	id        INTEGER PRIMARY KEY,
	deployment TEXT NOT NULL,
	source    TEXT    NOT NULL,
	topic     TEXT    NOT NULL,
	partition INTEGER NOT NULL,
	offset    INTEGER NOT NULL,
	time      INTEGER NOT NULL,
	job       TEXT    NOT NULL,
	file      TEXT    NOT NULL,
	outcome   TEXT    NOT NULL,
	attempts  INTEGER NOT NULL,
	pid       TEXT    NOT NULL,
	datablock TEXT    NOT NULL,
	error     TEXT    NOT NULL,
	class     TEXT    NOT NULL,
	exit      INTEGER NOT NULL,
	requested INTEGER NOT NULL,
	first     INTEGER NOT NULL,
	last      INTEGER NOT NULL,
	host      TEXT    NOT NULL,
	version   TEXT    NOT NULL,
	key       BLOB,
	headers   BLOB,
	stderr    BLOB,
	value     BLOB
) STRICT;
CREATE UNIQUE INDEX messages_position ON messages (deployment, source, topic, partition, offset, time);
CREATE INDEX messages_dead ON messages (deployment, time, id) WHERE outcome = 'dead_lettered';
CREATE INDEX messages_requested ON messages (deployment, time, id) WHERE requested <> 0;
CREATE INDEX messages_ended ON messages (deployment, last) WHERE outcome NOT IN ('', 'dead_lettered');
CREATE TABLE probe (
	id INTEGER PRIMARY KEY,
	at INTEGER NOT NULL
) STRICT;
`, `
ALTER TABLE files ADD COLUMN accepted INTEGER NOT NULL DEFAULT 0;
CREATE INDEX messages_dead_file ON messages (deployment, file) WHERE outcome = 'dead_lettered';
CREATE TABLE jobs (
	deployment TEXT    NOT NULL,
	name       TEXT    NOT NULL,
	mark_time  INTEGER,
	mark_path  TEXT    NOT NULL,
	scanned    INTEGER NOT NULL,
	last_run   INTEGER NOT NULL,
	last_good  INTEGER NOT NULL,
	version    INTEGER NOT NULL,
	selection  TEXT    NOT NULL,
	roots      BLOB    NOT NULL,
	PRIMARY KEY (deployment, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE published (
	deployment TEXT    NOT NULL,
	job        TEXT    NOT NULL,
	path       TEXT    NOT NULL,
	size       INTEGER NOT NULL,
	mtime      INTEGER NOT NULL,
	at         INTEGER NOT NULL,
	PRIMARY KEY (deployment, job, path)
) STRICT, WITHOUT ROWID;
CREATE TABLE runs (
	id         INTEGER PRIMARY KEY,
	deployment TEXT    NOT NULL,
	job        TEXT    NOT NULL,
	started    INTEGER NOT NULL,
	ended      INTEGER NOT NULL,
	exit       INTEGER NOT NULL,
	report     BLOB
) STRICT;
CREATE INDEX runs_job ON runs (deployment, job, started);
`}
}
