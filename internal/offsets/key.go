package offsets

// Key names a partition of a topic.
type Key struct {
	Topic     string
	Partition int32
}
