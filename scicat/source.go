package scicat

import "context"

// TokenSource gives the token to send. It is safe for concurrent use.
type TokenSource interface {
	// Token is asked before every request, so it should be quick. An empty token
	// makes anonymous requests. Errors concern every request, so their kind is
	// Unavailable or NotPermitted.
	Token(ctx context.Context) (string, error)
	// Renew hears that the catalogue rejects a token, and says whether Token
	// gives another one now. It may have to get that first.
	Renew(ctx context.Context, rejected string) (bool, error)
}

// StaticToken is a TokenSource that always gives the same token.
func StaticToken(token string) TokenSource { return staticToken(token) }

type staticToken string

func (t staticToken) Token(context.Context) (string, error) { return string(t), nil }

func (t staticToken) Renew(context.Context, string) (bool, error) { return false, nil }

func (t staticToken) advice() string {
	if t == "" {
		return "none is configured: set scicat.token_file, or scicat.username"
	}
	return "expired or wrong: renew scicat.token"
}

// adviser is a source that knows what to do about a token that is rejected.
type adviser interface{ advice() string }

func adviceOf(s TokenSource) string {
	if a, ok := s.(adviser); ok {
		return a.advice()
	}
	return "expired or wrong"
}
