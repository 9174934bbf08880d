package configs

import (
	"maps"
	"strings"
)

// Kafka says where messages come from.
type Kafka struct {
	Topics           []string // trimmed, none empty
	GroupID          string
	BootstrapServers string
	SecurityProtocol string // lower case; "" = librdkafka's own, plaintext
	SASLMechanism    string
	SASLUsername     string
	SASLPassword     Secret // already read from SASLPasswordFile or a credential where one is given
	SASLPasswordFile string
	SSLCALocation    string

	// Accepted, without effect: finished offsets are always committed by hand. The
	// first makes the peer crash, the second makes it lose messages.
	IndividualMessageCommit bool
	EnableAutoCommit        bool

	AutoOffsetReset string
	Librdkafka      map[string]string // any property; last word
}

const saslSSL = "sasl_ssl"

// Properties are librdkafka's, under its canonical names, without those that decide
// about commits: they are the adapter's business. The map holds the password.
func (k *Kafka) Properties() map[string]string {
	p := map[string]string{
		"bootstrap.servers": k.BootstrapServers,
		"group.id":          k.GroupID,
		"security.protocol": k.SecurityProtocol,
		"auto.offset.reset": k.AutoOffsetReset,
	}
	// The peer's sample carries placeholders for these: without a protocol that uses
	// them they would only make librdkafka complain.
	protocol := strings.ToLower(k.SecurityProtocol)
	if given := strings.ToLower(k.Librdkafka["security.protocol"]); given != "" {
		protocol = given
	}
	if strings.HasPrefix(protocol, "sasl") {
		p["sasl.mechanisms"] = k.SASLMechanism
		p["sasl.username"] = k.SASLUsername
		p["sasl.password"] = string(k.SASLPassword)
	}
	if strings.HasSuffix(protocol, "ssl") {
		p["ssl.ca.location"] = k.SSLCALocation
	}
	for name, value := range k.Librdkafka {
		if !adaptersBusiness(name) {
			p[canonicalProperty(name)] = value
		}
	}
	// An empty text means "not set", as with the peer.
	maps.DeleteFunc(p, func(_, value string) bool { return value == "" })
	return p
}

// canonicalProperty resolves librdkafka's aliases for what we set ourselves; with
// both names in one map it would be chance which of them wins.
func canonicalProperty(name string) string {
	switch name {
	case "sasl.mechanism":
		return "sasl.mechanisms"
	case "metadata.broker.list":
		return "bootstrap.servers"
	default:
		return name
	}
}

// adaptersBusiness are properties that would commit messages before their files are
// registered.
func adaptersBusiness(name string) bool {
	switch name {
	case "enable.auto.commit", "auto.commit.enable", "enable.auto.offset.store", "auto.commit.interval.ms":
		return true
	default:
		return false
	}
}

func (k *Kafka) keys() []key {
	return []key{
		{path: "kafka.topics", value: texts(&k.Topics), sample: "[FILE_WRITER_TOPIC]", online: true,
			doc: "Topics with the file writer's messages: a list, or one text with commas."},
		{path: "kafka.group_id", value: text(&k.GroupID), standard: "GROUP_ID", sample: "ingestor", online: true,
			doc: "Consumer group. Daemons with the same one share the work; a new one starts where auto_offset_reset says."},
		{path: "kafka.bootstrap_servers", value: joined(&k.BootstrapServers), standard: "localhost:9093", online: true,
			doc: "Brokers to ask first, host:port, with commas between."},
		{path: "kafka.security_protocol", value: oneOf(&k.SecurityProtocol, "", "plaintext", "ssl", "sasl_plaintext", saslSSL), online: true,
			doc: "plaintext, ssl, sasl_plaintext or sasl_ssl. Not given: sasl_ssl when there is a user name, plaintext otherwise."},
		{path: "kafka.sasl_mechanism", value: text(&k.SASLMechanism), standard: "SCRAM-SHA-256", online: true,
			doc: "SCRAM-SHA-256, SCRAM-SHA-512 or PLAIN."},
		{path: "kafka.sasl_username", value: text(&k.SASLUsername), online: true,
			doc: "User name for the brokers."},
		{path: "kafka.sasl_password", value: secret(&k.SASLPassword), online: true,
			doc: "Its password. Better kept out of this file: in sasl_password_file, in INGESTOR_KAFKA_SASL_PASSWORD, or as the systemd credential kafka.sasl_password."},
		{path: "kafka.sasl_password_file", value: text(&k.SASLPasswordFile), online: true,
			doc: "File that holds the password; wins over sasl_password. Without both, the systemd credential kafka.sasl_password is used if there is one."},
		{path: "kafka.ssl_ca_location", value: text(&k.SSLCALocation), online: true,
			doc: "Certificates (PEM) of the authority that signed the brokers'. Empty: the system's."},
		{path: "kafka.individual_message_commit", value: boolean(&k.IndividualMessageCommit), standard: "true", online: true,
			doc: "Accepted for compatibility, without effect: a message is committed once its file, and every one before it, is dealt with."},
		{path: "kafka.enable_auto_commit", value: boolean(&k.EnableAutoCommit), standard: "true", online: true,
			doc: "Accepted for compatibility, without effect: see individual_message_commit."},
		{path: "kafka.auto_offset_reset", value: oneOf(&k.AutoOffsetReset, "earliest", "latest", "smallest", "largest", "beginning", "end", "error"), standard: "earliest", online: true,
			doc: "Where a group without a committed position starts: earliest or latest."},
		{path: "kafka.librdkafka", value: secretMapping(&k.Librdkafka), sample: "{session.timeout.ms: 45000}", online: true,
			doc: "Any other property of librdkafka, name: value; these have the last word. As a flag: name=value, repeated."},
	}
}
