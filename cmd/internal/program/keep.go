package program

import (
	"context"
	"time"

	"ingestor/scicat"
)

const (
	// tendEvery is how often files are looked at and a due login is made.
	tendEvery = time.Second
	// checkEvery is how often the catalogue is asked whether it still takes the
	// token that children are given, and whether a login works again.
	checkEvery = 5 * time.Second
)

// Run keeps the token good until ctx ends: it logs in again in time, or when the
// catalogue rejects the token, and looks after the files of token and password.
func (k *Credentials) Run(ctx context.Context) error {
	if k.login == nil && len(k.files) == 0 {
		<-ctx.Done()
		return nil
	}
	client, err := k.Catalogue()
	if err != nil {
		return err
	}
	defer client.Close()
	t := &tending{Credentials: k, client: client, unread: map[*scicat.SecretFile]string{}}
	every := time.NewTicker(tendEvery)
	defer every.Stop()
	for {
		t.tend(ctx, time.Now())
		select {
		case <-ctx.Done():
			return nil
		case <-every.C:
		}
	}
}

// tending is the state of Run.
type tending struct {
	*Credentials
	client *scicat.Client

	values []string                      // of the files, as of last time
	unread map[*scicat.SecretFile]string // why they could not be read
	token  string
	next   time.Time // of what asks the catalogue
}

func (t *tending) tend(ctx context.Context, now time.Time) {
	if t.look() {
		t.next = now
		t.tell()
	}
	if t.login == nil {
		return
	}
	switch {
	case !now.Before(t.next):
		t.next = now.Add(checkEvery)
		// Whatever is wrong, the login says it in the log, or the health check.
		_ = t.client.CheckToken(ctx)
	case t.login.Current().Value != "" || t.login.Failure() != nil:
		// It is renewed if it is time, or tried again if that was refused.
		_, _ = t.source.Token(ctx)
	}
	if token := t.login.Current().Value; token != "" && token != t.token {
		t.token = token
		t.tell()
	}
}

// look reads the files where they have changed, and tells whether they have.
func (t *tending) look() (changed bool) {
	values := make([]string, len(t.files))
	for i, f := range t.files {
		values[i] = f.Value()
		why := ""
		if err := f.Err(); err != nil {
			why = err.Error()
		}
		if why != "" && why != t.unread[f] {
			t.log.WithField("error", why).Warn("File of a secret can not be read: what was read last counts")
		}
		t.unread[f] = why
		if t.values != nil && values[i] != t.values[i] {
			changed = true
			t.log.WithField("file", f.Path()).Info("File of a secret has changed")
		}
	}
	t.values = values
	return changed
}

// tell wakes who waits for a change.
func (t *tending) tell() {
	select {
	case t.changed <- struct{}{}:
	default: // it is told already
	}
}
