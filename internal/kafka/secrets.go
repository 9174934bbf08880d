package kafka

import (
	"slices"
	"strings"
	"sync"
)

// secrets blanks the values of secret properties in text that comes from the
// library. librdkafka does not print them as far as is known; this makes sure.
// It is safe for several goroutines.
type secrets struct {
	mu      sync.RWMutex
	values  []string
	replace *strings.Replacer
}

// secretKeys are the properties whose value nobody may read in a log.
var secretKeys = []string{
	"sasl.password", "ssl.key.password", "ssl.key.pem", "ssl.keystore.password",
	"sasl.oauthbearer.client.secret", "sasl.oauthbearer.config", "sasl.jaas.config",
}

const (
	// shortest is the length below which a value is not looked for: blanking
	// every "a" would hide the text and not the secret.
	shortest = 3
	// mostSecrets bounds what is remembered of passwords that were replaced.
	mostSecrets = 32
)

func newSecrets(properties map[string]string) *secrets {
	s := &secrets{}
	for _, key := range secretKeys {
		s.learn(properties[key])
	}
	return s
}

// learn adds a value that is secret from now on.
func (s *secrets) learn(value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(value) < shortest || slices.Contains(s.values, value) {
		return
	}
	if len(s.values) == mostSecrets {
		s.values = s.values[1:]
	}
	s.values = append(s.values, value)
	var pairs []string
	for _, v := range s.values {
		pairs = append(pairs, v, "***")
	}
	s.replace = strings.NewReplacer(pairs...)
}

// blank is text without any secret, on one line.
func (s *secrets) blank(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.replace == nil {
		return text
	}
	return s.replace.Replace(text)
}
