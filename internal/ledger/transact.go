package ledger

import (
	"context"
	"database/sql"
)

// transact does something in a transaction: wholly or not at all.
func (l *Ledger) transact(ctx context.Context, db *sql.DB, do func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return l.explain("write to", err)
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	if err := do(tx); err != nil {
		return l.explain("write to", err)
	}
	return l.explain("write to", tx.Commit())
}

// transactNamed is transact for what is of the deployment, which it names.
func (l *Ledger) transactNamed(ctx context.Context, db *sql.DB, do func(*sql.Tx) error) error {
	err := l.transact(ctx, db, func(tx *sql.Tx) error {
		if err := l.nameDeployment(ctx, tx); err != nil {
			return err
		}
		return do(tx)
	})
	if err == nil {
		l.named.Store(true)
	}
	return err
}

// write is transactNamed on the database as it is in use.
func (l *Ledger) write(ctx context.Context, do func(*sql.Tx) error) error {
	return l.use(ctx, func(db *sql.DB) error { return l.transactNamed(ctx, db, do) })
}
