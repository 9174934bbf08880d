// Package replay sends what is in a dump once more, as the upstream had sent
// it: frames become messages of ZeroMQ, lines of TCP or requests of HTTP again.
//
// The forwarder that receives them dumps the same events. What it had dropped
// on the way in (broken packets, heartbeats) is in no dump and does not come
// back; nor does the cut of the rows of a PCAP message: each comes alone.
//
// ZeroMQ is spoken by this package itself, as far as a sender needs it, because
// it does two things that the sockets of libzmq do not: a PUB knows when a
// subscriber is there, and waits for a slow one instead of dropping messages;
// and when the last message is sent it is known to have been taken.
//
// Invariant: events go out in the order of their files, one after the other;
// nothing is held in memory but the event that is being sent.
package replay
