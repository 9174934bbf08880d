package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"ingestor/scicat/scicattest"
)

// accountPassword is that of the ingestor; it must not be printed.
const accountPassword = "Passw0rd-that-must-not-show"

// loginBench is a bench whose program logs in.
func loginBench(t *testing.T) *bench {
	t.Helper()
	b := newBench(t)
	b.server.SetPassword("ingestor", accountPassword)
	b.write("password", []byte(accountPassword+"\n"))
	b.configure("  token: @TOKEN@\n", "  username: ingestor\n  password_file: password\n")
	return b
}

// logins is how often somebody tried to log in.
func (b *bench) logins() (n int) {
	for _, r := range b.server.Requests() {
		if strings.HasSuffix(r.Target, "/auth/login") {
			n++
		}
	}
	return n
}

// unprinted wants that a run told no secret.
func (b *bench) unprinted(e ended, secrets ...string) {
	b.t.Helper()
	for _, r := range b.server.Requests() {
		if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
			secrets = append(secrets, token)
		}
	}
	for _, s := range append(secrets, accountPassword) {
		if s != "" && strings.Contains(e.stdout+e.stderr, s) {
			b.t.Errorf("%q is printed:\n%s%s", s, e.stdout, e.stderr)
		}
	}
}

// TestLogin is what a run does with the ways into the catalogue that it is given.
func TestLogin(t *testing.T) {
	shared := func(b *bench) string { return "INGESTOR_SHARED_TOKEN=" + b.server.Token("ingestor") }
	for _, tt := range []struct {
		name   string
		change func(*bench)
		env    func(*bench) []string
		exit   int
		logins int
		says   string
	}{
		{name: "one login for a whole run", logins: 1},
		{name: "password in the environment", logins: 1, change: func(b *bench) { b.configure("  password_file: password\n", "") },
			env: func(*bench) []string { return []string{"INGESTOR_SCICAT_PASSWORD=" + accountPassword} }},
		{name: "token of the daemon", env: func(b *bench) []string { return []string{shared(b)} }},
		{name: "token of the daemon, where the password is not", change: func(b *bench) { _ = os.Remove(b.path("password")) },
			env: func(b *bench) []string { return []string{shared(b)} }},
		{name: "token of the daemon that is rejected", logins: 1, env: func(*bench) []string { return []string{"INGESTOR_SHARED_TOKEN=stale"} }},
		{name: "token of the daemon that has ended", logins: 1, env: func(b *bench) []string {
			return []string{shared(b), "INGESTOR_SHARED_TOKEN_EXPIRES=2001-01-01T00:00:00Z"}
		}},
		{name: "login that the daemon was refused", exit: 77, says: "the daemon could not log in: wrong",
			env: func(*bench) []string { return []string{"INGESTOR_LOGIN_REFUSED=wrong"} }},
		{name: "wrong password", exit: 77, logins: 1, says: "log in as ingestor: user name or password is wrong (scicat.username, scicat.password_file)",
			change: func(b *bench) { b.server.SetPassword("ingestor", "another") }},
		{name: "catalogue that knows no login", exit: 77, logins: 1, says: "are scicat.host and scicat.api_endpoints right?", change: func(b *bench) {
			b.fault(scicattest.Fault{PathPattern: "auth/login", Status: 404, Body: `{"message":"Cannot POST /api/v3/auth/login"}`})
		}},
		{name: "login that is away", exit: 69, logins: 2, says: "tried 2 times", change: func(b *bench) {
			b.fault(scicattest.Fault{PathPattern: "auth/login", Status: 503})
		}},
		{name: "login that is away at first", logins: 2, change: func(b *bench) {
			b.fault(scicattest.Fault{PathPattern: "auth/login", Status: 503, Times: 1})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := loginBench(t)
			if tt.change != nil {
				tt.change(b)
			}
			c := b.command("-c", "config.yml", "raw/run.hdf", "raw/run.hdf")
			var secrets []string
			if tt.env != nil {
				for _, entry := range tt.env(b) {
					c.Env = append(c.Env, entry)
					if name, value, _ := strings.Cut(entry, "="); name == "INGESTOR_SHARED_TOKEN" {
						secrets = append(secrets, value)
					}
				}
			}
			e := b.end(c)
			if e.exit != tt.exit || !strings.Contains(e.stderr, tt.says) {
				t.Errorf("exit %d, want %d and %q\n%s%s", e.exit, tt.exit, tt.says, e.stdout, e.stderr)
			}
			if n := b.logins(); n != tt.logins {
				t.Errorf("%d logins, want %d\n%s", n, tt.logins, e.stderr)
			}
			if strings.Contains(e.stderr, "unknown environment variable") || tt.exit == 77 && strings.Count(e.stderr, "ERROR") != 1 {
				t.Errorf("not what a user should read:\n%s", e.stderr)
			}
			b.unprinted(e, secrets...)
			n := 1
			if tt.exit != 0 {
				n = 0
			}
			b.wantStored(n, n)
		})
	}
}

// TestToken_ThatEndsInTheMidstOfARun: with a login, or with another token in its
// file, the run goes on; nothing is registered twice.
func TestToken_ThatEndsInTheMidstOfARun(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*bench)
		mend   func(*bench)
	}{
		{"login", func(*bench) {}, func(*bench) {}},
		{"file", func(b *bench) {
			b.configure("  username: ingestor\n  password_file: password\n", "  token_file: token\n")
			b.write("token", []byte(b.token))
		}, func(b *bench) { b.write("token", []byte(b.server.Token("ingestor"))) }},
	} {
		for _, at := range []string{"GET.*my/self", "GET.*datasets", "POST.*datasets", "POST.*origdatablocks"} {
			t.Run(tt.name+" "+at, func(t *testing.T) {
				t.Parallel()
				b := loginBench(t)
				tt.change(b)
				method, pattern, _ := strings.Cut(at, ".*")
				b.fault(scicattest.Fault{Method: method, PathPattern: pattern, Times: 1, Delay: 500 * time.Millisecond})
				e := b.endAfter(b.command("-c", "config.yml", "raw/run.hdf"), func() {
					for deadline := time.Now().Add(time.Minute); !b.cameIn(method, pattern) && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
					}
					if err := b.server.RevokeTokens(); err != nil {
						t.Error(err)
					}
					tt.mend(b)
				})
				if e.exit != 0 {
					t.Errorf("exit %d\n%s%s", e.exit, e.stdout, e.stderr)
				}
				b.unprinted(e)
				b.wantStored(1, 1)
			})
		}
	}
}

func (b *bench) fault(f scicattest.Fault) {
	b.t.Helper()
	if err := b.server.AddFault(f); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) cameIn(method, part string) bool {
	for _, r := range b.server.Requests() {
		if r.Method == method && strings.Contains(r.Target, part) {
			return true
		}
	}
	return false
}
