package ledger

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"modernc.org/sqlite"
)

// Result codes of SQLite, https://sqlite.org/rescode.html.
const (
	noPermission = 3
	busy         = 5
	locked       = 6
	readOnly     = 8
	interrupt    = 9
	inputOutput  = 10
	corrupt      = 11
	full         = 13
	canNotOpen   = 14
	protocol     = 15
	notADatabase = 26
)

// code is the primary result code of an error; 0 when it is not SQLite's.
func code(err error) int {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return 0
	}
	return e.Code() & 0xff
}

// canceled says that it was our own context that ended it.
func canceled(err error) bool { return errors.Is(err, context.Canceled) || code(err) == interrupt }

// source names the database and its settings.
//
// NORMAL survives the end of a process, however it ends, without waiting for
// the disk at each note. The log is kept short, because a process that comes
// after one that was killed reads all of it.
func source(path string, o Options) string {
	settings := url.Values{
		"_txlock": {"immediate"}, // a transaction that reads first and then writes can not be refused half way
		"_pragma": {
			fmt.Sprintf("busy_timeout(%d)", o.BusyTimeout.Milliseconds()),
			"synchronous(NORMAL)", "cache_size(-256)", "wal_autocheckpoint(100)",
		},
	}
	u := url.URL{Scheme: "file", Path: path, RawQuery: settings.Encode()}
	return u.String()
}
