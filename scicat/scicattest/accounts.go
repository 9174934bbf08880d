package scicattest

import (
	"fmt"
	"slices"
	"time"
)

// SetPassword gives a user another password; empty: can not log in. Tokens stay
// good, as with the backend.
func (s *Server) SetPassword(user, password string) {
	s.change(user, func(a *account) { a.Password = password })
}

// SetTokens says which tokens are accepted as they are.
func (s *Server) SetTokens(user string, tokens ...string) {
	s.change(user, func(a *account) { a.Tokens = slices.Clone(tokens) })
}

func (s *Server) change(user string, f func(*account)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.users {
		if a.Name == user {
			f(a)
		}
	}
}

// SetTokenLife says how long tokens are good that are given from now on.
func (s *Server) SetTokenLife(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opt.TokenLife = d
}

// RevokeTokens makes every token so far worthless: those of logins, as a new
// secret of the backend does, and those of Options.Users and SetTokens.
func (s *Server) RevokeTokens() error {
	secret, err := randomBytes(32)
	if err != nil {
		return fmt.Errorf("catalogue in memory: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secret = secret
	for _, a := range s.users {
		a.Tokens = nil
	}
	return nil
}
