package kafka

import (
	"regexp"
	"strings"

	ck "github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/sirupsen/logrus"
)

// ornaments of librdkafka's texts: "sasl_ssl://host:1/bootstrap: " before the
// reason, and "(after 3ms in state CONNECT, 1 identical error(s) suppressed)" behind it.
var (
	prefix = regexp.MustCompile(`^(?:[a-z_]+://)?([^/ ]+:[0-9]+)(?:/(?:bootstrap|[0-9]+))?: `)
	suffix = regexp.MustCompile(` \(after [0-9]+ms in state .*\)$`)
)

// plain is the reason alone, with its address.
func plain(text string) string {
	address, reason := split(text)
	if address == "" || strings.Contains(reason, address) {
		return reason
	}
	return address + ": " + reason
}

func split(text string) (address, reason string) {
	reason = suffix.ReplaceAllString(text, "")
	// The same connection under its other name.
	reason = strings.TrimPrefix(reason, "GroupCoordinator: ")
	if found := prefix.FindStringSubmatch(reason); found != nil {
		address, reason = found[1], strings.TrimPrefix(reason, found[0])
	}
	// An answer in another protocol reads as a length beyond all bounds.
	if strings.Contains(reason, "Invalid response size") {
		reason = "the answer is not Kafka's (is it a Kafka broker, and does security.protocol fit?)"
	}
	return address, reason
}

// inWords is an error of the library without its ornaments, and what to do
// about it where the library does not say.
func inWords(e ck.Error) string {
	text := plain(e.Error())
	switch e.Code() {
	case ck.ErrAuthentication, ck.ErrSaslAuthenticationFailed:
		text += " (check the user name and the password)"
	case ck.ErrGroupAuthorizationFailed:
		text += " (the account needs the right to read with this group)"
	case ck.ErrTopicAuthorizationFailed:
		text += " (the account needs a right to this topic)"
	}
	return text
}

// fuller is the last word instead of a new one that says less of the same: a
// refused connection may be told twice, once with an explanation.
func fuller(last, word string) string {
	if address, reason, found := strings.Cut(word, ": "); found && strings.HasPrefix(last, address) && strings.Contains(last, reason) {
		return last
	}
	return word
}

// levelFor is the level, or that of debugging for the bare error of OpenSSL, which
// comes before or after the one that explains it.
func levelFor(e ck.Error, level logrus.Level) logrus.Level {
	if _, reason := split(e.Error()); e.Code() == ck.ErrSsl && strings.HasPrefix(reason, "error:") {
		return logrus.DebugLevel
	}
	return level
}
