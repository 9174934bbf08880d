// Package forwarder takes the frames of detectors from their upstreams and sends
// each to the workers that the controller has assigned it to. One Ingester stands
// in a dranspose system where one of its ingesters stood; the wire and the life are
// those of docs/forwarder.md.
//
// Its heart is the pump: one goroutine, locked to its thread, that alone touches the
// ingester's sockets. It takes assignments in their order, asks the streams' sources
// for the next event, and hands the frames on without copying them. Frame n of a
// stream belongs to the n-th assignment of that stream; nothing is reordered, left
// out or repeated on the way to a worker.
//
// What can not be sent yet waits in a queue of its worker. All that waits is bounded
// in bytes; beyond the bound the pump stops reading, and upstream waits. A worker
// that is away is waited for once per absence, for a bounded time; then its messages
// are dropped and counted until it is back.
//
// Redis is the follower's (package control), the protocols are the sources'
// (package source), files are package dump's.
package forwarder
