package ledger

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"path/filepath"
	"strings"
)

// Deployment says whose messages they are. Several may share a ledger, and none
// sees those of another.
type Deployment struct {
	// Catalogue is where files are registered; Group is the consumer group.
	Catalogue, Group string
}

// plain is the one way to write it.
func (d Deployment) plain() Deployment {
	return Deployment{Catalogue: strings.TrimRight(d.Catalogue, "/"), Group: d.Group}
}

// id stands for a deployment in the rows of messages, and in names of files.
func (d Deployment) id() string {
	d = d.plain()
	sum := sha256.Sum256([]byte(d.Catalogue + "\x00" + d.Group))
	return hex.EncodeToString(sum[:6])
}

// RetryLockFile is the path of the lock that is held by the one process of a
// deployment that tries messages again, see LockRetries.
func RetryLockFile(dir string, d Deployment) string {
	return filepath.Join(dir, "retry-"+d.id()+".lock")
}

// DeadLetters is how many dead-lettered messages a deployment has.
type DeadLetters struct {
	Deployment
	Messages int
}

// Others lists the other deployments that have dead-lettered messages here.
func (l *Ledger) Others(ctx context.Context) ([]DeadLetters, error) {
	var list []DeadLetters
	err := l.use(ctx, func(db *sql.DB) (err error) {
		rows, err := db.QueryContext(ctx, `SELECT catalogue, consumer_group, count(*) FROM messages JOIN deployments ON deployments.id = deployment
			WHERE outcome = 'dead_lettered' AND deployment <> ? GROUP BY deployment ORDER BY catalogue, consumer_group`, l.deployment)
		if err != nil {
			return l.explain("read", err)
		}
		defer func() { err = errors.Join(err, l.explain("read", rows.Close())) }()
		for rows.Next() {
			var d DeadLetters
			if err := rows.Scan(&d.Catalogue, &d.Group, &d.Messages); err != nil {
				return l.explain("read", err)
			}
			list = append(list, d)
		}
		return l.explain("read", rows.Err())
	})
	return list, err
}
