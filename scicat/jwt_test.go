package scicat

import (
	"encoding/base64"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// jwt is a token with these claims.
func jwt(claims string) string {
	return "eyJhbGciOiJIUzI1NiJ9." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2lnbmF0dXJl"
}

func TestSpanOf_ReadsWhatATokenSays(t *testing.T) {
	for _, tt := range []struct {
		name, token     string
		issued, expires int64
		life            time.Duration
	}{
		{"whole seconds", jwt(`{"iat":1700000000,"exp":1700003600}`), 1700000000, 1700003600, time.Hour},
		{"fractions", jwt(`{"iat":1700000000.25,"exp":1700000001}`), 1700000000, 1700000001, 750 * time.Millisecond},
		{"no issue", jwt(`{"exp":1700003600}`), 0, 1700003600, 0},
		{"no end", jwt(`{"iat":1700000000}`), 1700000000, 0, 0},
		{"an end before the issue", jwt(`{"iat":1700003600,"exp":1700000000}`), 1700003600, 1700000000, 0},
		{"numbers that are none", jwt(`{"iat":"soon","exp":[]}`), 0, 0, 0},
		{"beyond all clocks", jwt(`{"iat":-5,"exp":1e300}`), 0, 0, 0},
		{"no JSON", jwt(`{`), 0, 0, 0},
		{"two parts", "a.b", 0, 0, 0},
		{"opaque", "token-of-the-ingestor", 0, 0, 0},
		{"not base64", "a.*.c", 0, 0, 0},
		{"none", "", 0, 0, 0},
	} {
		got := spanOf(tt.token)
		seconds := func(at time.Time) int64 {
			if at.IsZero() {
				return 0
			}
			return at.Unix()
		}
		if seconds(got.issued) != tt.issued || seconds(got.expires) != tt.expires || got.life() != tt.life {
			t.Errorf("%s: %v, life %v", tt.name, got, got.life())
		}
	}
}

func TestLogin_LifeIsTheTokensWhereTheAnswerIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// By the catalogue's clock, which is years away from this one.
		token := jwt(`{"iat":1900000000,"exp":1900000600}`)
		c, _ := clientOn(t, Options{}, func(int, *http.Request) (*http.Response, error) {
			return respond(201, `{"id":"`+token+`"}`)
		})
		got, err := c.Login(t.Context(), "robot", "pw")
		if err != nil || got.Value != token || time.Until(got.Expires) != 10*time.Minute {
			t.Errorf("%v %v", time.Until(got.Expires), err)
		}
	})
}

func TestTrust_DoesNotOutliveTheToken(t *testing.T) {
	date := http.Header{"Date": {time.Unix(1900000000, 0).UTC().Format(http.TimeFormat)}}
	for _, tt := range []struct {
		name, token string
		want        time.Duration
	}{
		{"opaque", "abc", goodFor},
		{"ends later", jwt(`{"exp":1900000600}`), goodFor},
		{"ends soon", jwt(`{"exp":1900000004}`), 3 * time.Second},
		{"ended", jwt(`{"exp":1900000000}`), -time.Second},
	} {
		if got := trust(&reply{token: tt.token, header: date}); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func FuzzSpanOf(f *testing.F) {
	f.Add(jwt(`{"iat":1700000000,"exp":1700003600}`))
	f.Add(jwt(`{"iat":1e40,"exp":-1}`))
	f.Add("a.b.c")
	f.Fuzz(func(t *testing.T, token string) {
		s := spanOf(token)
		if s.life() < 0 || s.issued.Year() > 40_000 || s.expires.Year() > 40_000 {
			t.Errorf("%v", s)
		}
	})
}
