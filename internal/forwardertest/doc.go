// Package forwardertest plays the world around one frame forwarder from
// outside: the controller (Redis keys), the workers, the upstreams. It starts
// the forwarder as a process, ours or, for the proof of the harness itself,
// the peer's in Python (see PeerVariable), and reads back what left it.
//
// Sockets are spoken here byte by byte (ZMTP 3.0, RESP 2) instead of through
// the libraries of the program under test: a fault of theirs then shows on one
// side only, and a worker can be deaf to the byte instead of to a thousand
// messages.
//
// It is for tests, and judges nothing but what two recordings have in common:
// which behaviour is right is said by the tests that use it.
package forwardertest
