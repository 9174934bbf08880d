package configs

// Kafka says where messages come from: the main cluster, with what scicat-ingestor
// knows besides.
type Kafka struct {
	KafkaCluster

	// Accepted, without effect: finished offsets are always committed by hand. The
	// first makes the peer crash, the second makes it lose messages.
	IndividualMessageCommit bool
	EnableAutoCommit        bool
}

// mainCluster is the name of the cluster of the section kafka.
const mainCluster = "kafka"

func (k *Kafka) keys() []key {
	const p = "kafka."
	return append(k.KafkaCluster.keys(p),
		key{path: p + "individual_message_commit", value: boolean(&k.IndividualMessageCommit), standard: "true", online: true,
			doc: "Accepted for compatibility, without effect: a message is committed once its file, and every one before it, is dealt with."},
		key{path: p + "enable_auto_commit", value: boolean(&k.EnableAutoCommit), standard: "true", online: true,
			doc: "Accepted for compatibility, without effect: see individual_message_commit."},
	)
}
