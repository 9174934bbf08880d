package ledger

// application marks the database as ours (PRAGMA application_id): "ingl".
const application = 0x696e676c

// formats are the steps from each format to the next; what is released is never
// changed, only added to. The first makes format 1 out of an empty database.
//
// A row of files is one content of one file. Times are nanoseconds since 1970,
// UTC. States are text without a CHECK, which could not be altered later.
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
`}
}
