package scicat

import (
	"context"
	"strings"
)

// TokenFile is a TokenSource that gives the token in a file, also a new one that
// is put there later.
func TokenFile(file *SecretFile) TokenSource { return tokenFile{file} }

type tokenFile struct{ file *SecretFile }

func (t tokenFile) Token(context.Context) (string, error) {
	return strings.TrimSpace(t.file.Value()), nil
}

func (t tokenFile) Renew(_ context.Context, rejected string) (bool, error) {
	return strings.TrimSpace(t.file.Reread()) != rejected, nil
}

func (t tokenFile) advice() string { return "expired or wrong: renew the one in " + t.file.path }
