package configs

import (
	"maps"
	"strings"
)

// KafkaCluster is one cluster, the topics to read there and how to get in.
type KafkaCluster struct {
	// Name of the source: "kafka" for the section kafka, else as given; unique.
	Name             string
	Topics           []string // trimmed, none empty; without any nothing is read
	GroupID          string
	BootstrapServers string
	SecurityProtocol string // lower case; "" = librdkafka's own, plaintext
	SASLMechanism    string
	SASLUsername     string
	SASLPassword     Secret // already read from SASLPasswordFile or a credential where one is given
	SASLPasswordFile string // where SASLPassword came from, to be read again when it changes; "" when from a key
	SSLCALocation    string
	AutoOffsetReset  string
	DeadLetterTopic  string            // on this cluster; "" = the main cluster's, and there: none
	Librdkafka       map[string]string // any property; last word

	places places
}

// Place is where the key of the cluster was given, else where the cluster was:
// "ingestor.yml:12" or a variable.
func (c *KafkaCluster) Place(key string) string { return c.places.at(key) }

// Key is the whole path of a key of the cluster, such as sources.kafka[0].topics.
func (c *KafkaCluster) Key(name string) string { return c.places.key(name) }

const saslSSL = "sasl_ssl"

// Properties are librdkafka's, under its canonical names, without those that decide
// about commits: they are the adapter's business. The map holds the password.
func (c *KafkaCluster) Properties() map[string]string {
	p := map[string]string{
		"bootstrap.servers": c.BootstrapServers,
		"group.id":          c.GroupID,
		"security.protocol": c.SecurityProtocol,
		"auto.offset.reset": c.AutoOffsetReset,
	}
	// The peer's sample carries placeholders for these: without a protocol that uses
	// them they would only make librdkafka complain.
	protocol := strings.ToLower(c.SecurityProtocol)
	if given := strings.ToLower(c.Librdkafka["security.protocol"]); given != "" {
		protocol = given
	}
	if strings.HasPrefix(protocol, "sasl") {
		p["sasl.mechanisms"] = c.SASLMechanism
		p["sasl.username"] = c.SASLUsername
		p["sasl.password"] = string(c.SASLPassword)
	}
	if strings.HasSuffix(protocol, "ssl") {
		p["ssl.ca.location"] = c.SSLCALocation
	}
	for name, value := range c.Librdkafka {
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

// keys are those of the section called prefix.
func (c *KafkaCluster) keys(prefix string) []key {
	return []key{
		{path: prefix + "topics", value: texts(&c.Topics), sample: "[FILE_WRITER_TOPIC]", online: true,
			doc: "Topics with the file writer's messages: a list, or one text with commas. Needed, unless sources names something."},
		{path: prefix + "group_id", value: text(&c.GroupID), standard: "GROUP_ID", sample: "ingestor", online: true,
			doc: "Consumer group. Daemons with the same one share the work; a new one starts where auto_offset_reset says."},
		{path: prefix + "bootstrap_servers", value: joined(&c.BootstrapServers), standard: "localhost:9093", online: true,
			doc: "Brokers to ask first, host:port, with commas between."},
		{path: prefix + "security_protocol", value: oneOf(&c.SecurityProtocol, "", "plaintext", "ssl", "sasl_plaintext", saslSSL), online: true,
			doc: "plaintext, ssl, sasl_plaintext or sasl_ssl. Not given: sasl_ssl when there is a user name, plaintext otherwise."},
		{path: prefix + "sasl_mechanism", value: text(&c.SASLMechanism), standard: "SCRAM-SHA-256", online: true,
			doc: "SCRAM-SHA-256, SCRAM-SHA-512 or PLAIN."},
		{path: prefix + "sasl_username", value: text(&c.SASLUsername), online: true,
			doc: "User name for the brokers."},
		{path: prefix + "sasl_password", value: secret(&c.SASLPassword), online: true,
			doc: "Its password. Better kept out of this file: in sasl_password_file, in INGESTOR_KAFKA_SASL_PASSWORD, or as the systemd credential kafka.sasl_password."},
		{path: prefix + "sasl_password_file", value: text(&c.SASLPasswordFile), online: true,
			doc: "File that holds the password; wins over sasl_password, and is read again when it changes. Without both, the systemd credential kafka.sasl_password is used if there is one."},
		{path: prefix + "ssl_ca_location", value: text(&c.SSLCALocation), online: true,
			doc: "Certificates (PEM) of the authority that signed the brokers'. Empty: the system's."},
		{path: prefix + "auto_offset_reset", value: oneOf(&c.AutoOffsetReset, "earliest", "latest", "smallest", "largest", "beginning", "end"), standard: "earliest", online: true,
			doc: "Where a group without a committed position starts: earliest, or latest: only what is announced after its very first start."},
		{path: prefix + "dead_letter_topic", value: trimmed(&c.DeadLetterTopic), online: true,
			doc: "Topic to which a message goes whose file can not be ingested, as it came and with the reason in its headers; also those of the folders and clusters of sources. It must exist or be made by the brokers. Empty: the ledger alone keeps them."},
		{path: prefix + "librdkafka", value: secretMapping(&c.Librdkafka), sample: "{session.timeout.ms: 45000}", online: true,
			doc: "Any other property of librdkafka, name: value; these have the last word. As a flag: name=value, repeated."},
	}
}

// record are the keys of a further cluster.
func (c *KafkaCluster) record() []key {
	own := map[string]key{
		"topics":             {sample: "[OTHER_TOPIC]", doc: "Its topics with the file writer's messages: a list, or one text with commas. Needed."},
		"group_id":           {sample: "''", doc: "Consumer group there. Empty: kafka.group_id."},
		"bootstrap_servers":  {sample: "kafka.example.org:9093", doc: "Brokers to ask first, host:port, with commas between. Needed."},
		"sasl_password":      {doc: "Its password. Better kept out of this file: in sasl_password_file, or as the systemd credential kafka.NAME.sasl_password."},
		"sasl_password_file": {doc: "File that holds the password, like kafka.sasl_password_file."},
		"dead_letter_topic":  {doc: "Topic for messages of this cluster whose files can not be ingested, on this cluster. Empty: kafka.dead_letter_topic, on the main one."},
		"librdkafka":         {sample: "{}", doc: "Any other property of librdkafka, name: value."},
	}
	keys := []key{{path: "name", value: text(&c.Name), sample: "other",
		doc: "Name of this source in logs, metrics and the ledger; it stays the same for ever. Letters, digits, - _ and dots."}}
	for _, k := range c.keys("") {
		if o, is := own[k.path]; is {
			k.sample, k.standard, k.doc = o.sample, "", o.doc
		} else {
			k.doc = "Like kafka." + k.path + "."
		}
		keys = append(keys, k)
	}
	return keys
}
