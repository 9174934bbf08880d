// Package control is the forwarder's life in Redis: it publishes the state of
// one ingester, follows the controller's updates, fetches parameters, reads
// assignments, and answers when a scan has finished. The pump, which moves the
// frames, is behind Handler and Stats.
//
// Invariants:
//   - Every update is handled, in order, once; of several new mappings in one
//     reply only the last is begun.
//   - The state names a mapping only after Handler.Begin has returned for it.
//   - Event numbers handed to Assign only grow within a mapping, whatever
//     Redis does in between; nothing is handed over twice.
//   - Publishing waits for nobody: it has a goroutine and a connection of its
//     own, as have updates and assignments. Nothing here polls faster than
//     once a second while nothing happens.
//   - No outage of Redis ends Run or what is under way, and no text found in
//     Redis does more than a line in the log.
//   - The password of the URL appears in no log line and no error.
//
// It needs Redis 5 or newer and speaks RESP2 unless the URL asks for protocol=3.
//
// What it does not do: it knows no frames and no sockets of workers, does not
// interpret parameters, and never writes to the keys of others.
package control
