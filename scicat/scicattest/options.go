package scicattest

import (
	"errors"
	"fmt"
	"regexp"
	"time"
)

// User is an account.
type User struct {
	Name     string
	Email    string // default NAME@site.example
	Password string // empty: can not log in
	Groups   []string
	// Tokens are accepted as they are, besides those from a login.
	Tokens []string
}

// Roles say which groups may do what, as the backend's *_GROUPS settings do.
type Roles struct {
	// Create may make datasets of their own groups, with a pid from the server.
	Create []string
	// CreateWithPID may also choose the pid.
	CreateWithPID []string
	// Privileged may make datasets of any group with any pid, which does not
	// mean that they may read them.
	Privileged []string
	Admin      []string
	Delete     []string
	// Samples may make samples.
	Samples []string
}

// Options are the settings of a Server; the zero value is a catalogue with the
// users of DefaultUsers.
type Options struct {
	Users []User
	Roles Roles
	// PIDPrefix is put before a pid that the server makes; default 20.500.12269.
	PIDPrefix string
	// PIDPattern refuses other pids with 400; nil takes any.
	PIDPattern *regexp.Regexp
	// MaskPersonalInfo hides e-mail addresses from all but administrators.
	MaskPersonalInfo bool
	// MaxBody is the longest body in bytes; default 16 MiB.
	MaxBody int64
	// TokenLife is how long a token from a login is good; default 1 h.
	TokenLife time.Duration
	// ForgetRequests is for hundreds of thousands of requests, whose bodies
	// would fill the memory: Requests is empty.
	ForgetRequests bool
	// Now is the clock; default time.Now.
	Now func() time.Time
}

// DefaultUsers are an administrator, a privileged ingestor and a visitor without
// rights; each password is the name.
func DefaultUsers() []User {
	return []User{
		{Name: "admin", Password: "admin", Groups: []string{"admin"}},
		{Name: "ingestor", Password: "ingestor", Groups: []string{"ingestor"}},
		{Name: "visitor", Password: "visitor"},
	}
}

// DefaultRoles fit DefaultUsers.
func DefaultRoles() Roles {
	return Roles{
		Privileged: []string{"ingestor"},
		Admin:      []string{"admin"},
		Delete:     []string{"admin"},
		Samples:    []string{"ingestor"},
	}
}

func (o Options) withDefaults() Options {
	if o.Users == nil {
		o.Users = DefaultUsers()
		o.Roles = DefaultRoles()
	}
	if o.PIDPrefix == "" {
		o.PIDPrefix = "20.500.12269"
	}
	if o.MaxBody == 0 {
		o.MaxBody = 16 << 20
	}
	if o.TokenLife == 0 {
		o.TokenLife = time.Hour
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

func (o Options) check() error {
	var faults []error
	seen := map[string]bool{}
	for _, u := range o.Users {
		switch {
		case u.Name == "":
			faults = append(faults, errors.New("a user has no name"))
		case seen[u.Name]:
			faults = append(faults, fmt.Errorf("user %s is there twice", u.Name))
		}
		seen[u.Name] = true
	}
	return errors.Join(faults...)
}
