package program

import (
	"context"
	"time"

	"ingestor/scicat"
)

const (
	// tendEvery is how often files are looked at, a due login is made, and the
	// catalogue is asked whether it takes the token that a child was given: not
	// many children are to find out by themselves that it is revoked.
	tendEvery = time.Second
	// retryEvery is the pause while the catalogue gives no token.
	retryEvery = 5 * time.Second
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
		case <-k.wanted:
			t.retry = time.Time{}
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
	said   string    // why there is none
	retry  time.Time // when to ask for a token again
}

func (t *tending) tend(ctx context.Context, now time.Time) {
	if t.look() {
		t.retry = now
		notify(t.changed)
	}
	if t.login == nil {
		return
	}
	var err error
	switch has := t.login.Current().Value != ""; {
	case has && t.given.Swap(false):
		err = t.client.CheckToken(ctx)
	case has, t.login.Failure() != nil, !now.Before(t.retry):
		// Renewed if it is time; tried again if it was refused long ago.
		t.retry = now.Add(retryEvery)
		_, err = t.source.Token(ctx)
	default:
		return
	}
	t.say(ctx, err)
	if token := t.login.Current().Value; token != "" && token != t.token {
		t.token = token
		notify(t.changed)
	}
}

// say logs why there is no token, or none to come, once until that changes.
func (t *tending) say(ctx context.Context, err error) {
	if err == nil {
		err = t.login.Failure() // of a renewal
	}
	why := ""
	if err != nil {
		why = err.Error()
	}
	if why != "" && why != t.said && ctx.Err() == nil {
		t.log.WithField("reason", why).Warn("No login at the catalogue: tried again now and then, and when the password changes")
	}
	t.said = why
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

// notify wakes who waits for it.
func notify(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default: // it is told already
	}
}
