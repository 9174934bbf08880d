package scicat

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"strings"
	"time"
)

// span is what a token says of itself, by the clock of the catalogue. Times
// that it does not tell are zero.
type span struct{ issued, expires time.Time }

// life is how long such a token is good from its issue; 0 when that is not known.
func (s span) life() time.Duration {
	if s.issued.IsZero() || !s.expires.After(s.issued) {
		return 0
	}
	return s.expires.Sub(s.issued)
}

// spanOf reads the claims of a JSON web token. Its signature is the catalogue's
// business: what is read here decides nothing but when to ask for another.
func spanOf(token string) span {
	const longest = 64 << 10
	parts := strings.Split(token, ".")
	if len(parts) != 3 || len(token) > longest {
		return span{}
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return span{}
	}
	var claims struct {
		Issued  json.Number `json:"iat"`
		Expires json.Number `json:"exp"`
	}
	if json.Unmarshal(payload, &claims) != nil {
		return span{}
	}
	return span{issued: instant(claims.Issued), expires: instant(claims.Expires)}
}

// instant is a NumericDate: seconds, possibly with a fraction. What no clock
// shows is zero.
func instant(n json.Number) time.Time {
	const last = 1 << 40 // about the year 36 800
	seconds, err := n.Float64()
	if err != nil || seconds <= 0 || seconds >= last {
		return time.Time{}
	}
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(fraction*1e9))
}
