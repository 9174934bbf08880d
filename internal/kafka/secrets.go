package kafka

import (
	"slices"
	"strings"
)

// secrets blanks the values of secret properties in text that comes from the
// library. librdkafka does not print them as far as is known; this makes sure.
type secrets struct{ replace *strings.Replacer }

// secretKeys are the properties whose value nobody may read in a log.
var secretKeys = []string{
	"sasl.password", "ssl.key.password", "ssl.key.pem", "ssl.keystore.password",
	"sasl.oauthbearer.client.secret", "sasl.oauthbearer.config", "sasl.jaas.config",
}

// shortest is the length below which a value is not looked for: blanking every
// "a" would hide the text and not the secret.
const shortest = 3

func newSecrets(properties map[string]string) secrets {
	var pairs []string
	for _, key := range secretKeys {
		if value := properties[key]; len(value) >= shortest {
			pairs = append(pairs, value, "***")
		}
	}
	if len(pairs) == 0 {
		return secrets{}
	}
	return secrets{strings.NewReplacer(slices.Clip(pairs)...)}
}

// blank is text without any secret, on one line.
func (s secrets) blank(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if s.replace == nil {
		return text
	}
	return s.replace.Replace(text)
}
