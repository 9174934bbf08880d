package scicattest

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// account is a user with what the server adds.
type account struct {
	User
	id string
}

func newAccount(u User) (*account, error) {
	raw, err := randomBytes(12)
	if err != nil {
		return nil, err
	}
	if u.Email == "" {
		u.Email = u.Name + "@site.example"
	}
	return &account{User: u, id: hex.EncodeToString(raw)}, nil
}

func randomBytes(n int) ([]byte, error) {
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		return nil, fmt.Errorf("random bytes: %w", err)
	}
	return b, nil
}

// public is the account as login and users/my/self show it.
func (a *account) public() Document {
	return Document{
		"username": a.Name, "email": a.Email, "authStrategy": "local",
		"_id": a.id, "__v": 0, "id": a.id,
	}
}

func (a *account) groups() []string { return append([]string{"globalaccess"}, a.Groups...) }

// claims is the payload of a token. Groups are not in it: the backend looks them
// up at each request.
type claims struct {
	ID       string `json:"_id"`
	Username string `json:"username"`
	Email    string `json:"email"`
	Strategy string `json:"authStrategy"`
	Issued   int64  `json:"iat"`
	Expires  int64  `json:"exp"`
}

// Token is a good token of a user, as a login gives it; "" for an unknown one.
func (s *Server) Token(user string) string {
	s.mu.Lock()
	life := s.opt.TokenLife
	s.mu.Unlock()
	return s.TokenUntil(user, s.opt.Now().Add(life))
}

// TokenUntil is a token that ends at a given time, which may be in the past.
func (s *Server) TokenUntil(user string, expires time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.users {
		if a.Name == user {
			return s.sign(a, expires)
		}
	}
	return ""
}

func (s *Server) sign(a *account, expires time.Time) string {
	payload, err := json.Marshal(claims{
		ID: a.id, Username: a.Name, Email: a.Email, Strategy: "local",
		Issued: s.opt.Now().Unix(), Expires: expires.Unix(),
	})
	if err != nil {
		return ""
	}
	enc := base64.RawURLEncoding
	text := enc.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + enc.EncodeToString(payload)
	return text + "." + enc.EncodeToString(s.mac(text))
}

func (s *Server) mac(text string) []byte {
	m := hmac.New(sha256.New, s.secret)
	m.Write([]byte(text))
	return m.Sum(nil)
}

// authenticate finds who asks; nil is anonymous, which is also what a bad token
// makes. The word Bearer must be there.
func (s *Server) authenticate(r *http.Request) *account {
	header := r.Header.Get("Authorization")
	if header == "" {
		header = r.URL.Query().Get("access_token")
	}
	token, ok := strings.CutPrefix(header, "Bearer ")
	if !ok {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.users {
		for _, t := range a.Tokens {
			if subtle.ConstantTimeCompare([]byte(t), []byte(token)) == 1 {
				return a
			}
		}
	}
	i := strings.LastIndexByte(token, '.')
	if i < 0 {
		return nil
	}
	signature, err := base64.RawURLEncoding.DecodeString(token[i+1:])
	if err != nil || !hmac.Equal(signature, s.mac(token[:i])) {
		return nil
	}
	_, encoded, _ := strings.Cut(token[:i], ".")
	payload, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return nil
	}
	var c claims
	if json.Unmarshal(payload, &c) != nil || s.opt.Now().Unix() >= c.Expires {
		return nil
	}
	for _, a := range s.users {
		if a.id == c.ID {
			return a
		}
	}
	return nil
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(x string) bool { return slices.Contains(b, x) })
}

// in says whether the account belongs to one of the groups of a role.
func (a *account) in(role []string) bool { return a != nil && overlap(a.Groups, role) }

func (s *Server) admin(a *account) bool { return a.in(s.opt.Roles.Admin) }

// mayCreate says whether the account may make datasets at all.
func (s *Server) mayCreate(a *account) bool {
	r := s.opt.Roles
	return a.in(r.Create) || a.in(r.CreateWithPID) || a.in(r.Privileged) || a.in(r.Admin)
}

// mayCreateThis says whether it may make this one.
func (s *Server) mayCreateThis(a *account, ownerGroup string, withPID bool) bool {
	r := s.opt.Roles
	switch {
	case a.in(r.Admin), a.in(r.Privileged):
		return true
	case a.in(r.CreateWithPID):
		return slices.Contains(a.Groups, ownerGroup)
	}
	return a.in(r.Create) && !withPID && slices.Contains(a.Groups, ownerGroup)
}

// owns says whether the document's owner group is one of the account's.
func owns(a *account, d Document) bool {
	group, ok := d["ownerGroup"].(string)
	return ok && a != nil && slices.Contains(a.Groups, group)
}

// mayRead is the rule for datasets, datablocks, proposals and samples.
func (s *Server) mayRead(a *account, d Document) bool {
	if published, ok := d["isPublished"].(bool); ok && published {
		return true
	}
	return a != nil && (s.admin(a) || owns(a, d) || overlap(a.groups(), texts(d["accessGroups"])) ||
		slices.Contains(texts(d["sharedWith"]), a.Email))
}

// texts are the strings of a JSON list.
func texts(v any) []string {
	list, ok := v.([]any)
	if !ok {
		return nil
	}
	var out []string
	for _, item := range list {
		if s, ok := item.(string); ok {
			out = append(out, s)
		}
	}
	return out
}
