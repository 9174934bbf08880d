// Package zmq is the forwarder's door to libzmq: sockets, and multipart messages
// that are moved from one socket to another without their bytes being copied.
//
// A message lives in C memory. Go looks at its parts where they lie, which is all
// that the forwarder needs: it reads the first part and hands the rest on. A
// Socket, and a Pool, belongs to one goroutine at a time; a goroutine that works
// with sockets for long locks itself to its thread. A Message may be handed from
// one goroutine to another, and shared parts are counted atomically.
//
// Nothing here waits, but for the convenience calls of tests and tools: waiting is
// done by a Poller, which can be woken. It is no general binding: what the
// forwarder, its tests and its tools do not need is not here.
package zmq
