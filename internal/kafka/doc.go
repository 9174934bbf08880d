// Package kafka is the daemon's way to and from Kafka: Source delivers the
// messages of topics and commits what has ended, Producer sends messages,
// DeadLetters sends those that can not be dealt with, Admin looks at a cluster
// and makes topics. It is the only package that knows the library
// (confluent-kafka-go on librdkafka).
//
// Invariants:
//   - The committed offset of a partition never passes a message that is not
//     finished, in whatever order messages finish, and whoever owns the
//     partition next. So nothing is lost; a message may be delivered twice.
//   - A group that begins at the end of a partition (auto.offset.reset=latest)
//     begins there once: that start is committed as soon as the partition is
//     assigned, so what is sent from then on is delivered whoever ends when
//     (start.go).
//   - A source polls for ever, held or not, so it never leaves the group because
//     the pool behind it is full or the catalogue is away.
//   - After Hold(true) has returned and the delivery under way (if any) has
//     ended, nothing is delivered until Hold(false).
//   - No partition stands still for ever: what librdkafka loses of what it is
//     told is avoided (flow.go), and what it does not deliver is looked for and
//     read anew (watch.go).
//   - A letter of DeadLetters is written once for each Send, whatever brokers do.
//   - A password file that changes is followed while clients run.
//   - Secrets among the properties appear in no log line and no error.
//
// How offsets are committed: librdkafka commits only what is stored explicitly
// (enable.auto.commit with enable.auto.offset.store=false), and only contiguous
// marks of an offsets.Book are stored. That gives commits which are
// asynchronous in the steady state, repeated until they succeed, awaited before
// a partition is given back and before the group is left, and dropped when the
// partition is lost. A commit call of our own would block in C for as long as
// the coordinator is away.
//
// What it does not do: it does not decode messages, decide about them or
// remember them; it does not create topics by reading them.
package kafka
