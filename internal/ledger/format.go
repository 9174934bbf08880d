package ledger

// application marks the database as ours (PRAGMA application_id): "ingl".
const application = 0x696e676c

// formats are the steps from each format to the next; what is released is never
// changed, only added to. The first makes format 1 out of an empty database.
//
// A row of files is one content of one file in one catalogue, ” for one that
// was noted before there was this column; a row of messages is one message of one
// source of one deployment. Times are nanoseconds since 1970, UTC; 0 is none. States and
// outcomes are text without a CHECK, which could not be altered later. What may
// be large stands last, so that the rest is read without it.
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
`}
}
