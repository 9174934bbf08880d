// Package dump writes and reads .cbors files: every event that an ingester has
// consumed, so that workers can be developed without a beamline.
//
// A file is a sequence of records, nothing between them; one record is
//
//	55799(42877([event, {stream: 42878([typ, [frame, ...]]), ...}, 0("2026-01-02T03:04:05.678901Z")]))
//
// in CBOR: tags around arrays, frames as byte strings. Files of older programs
// leave the time out.
//
// Invariant: what the Writer leaves behind is whole records, byte for byte what
// the peer would have written. A record of which only a part reached the
// storage is cut off again, so that a later append stays readable.
//
// The Reader streams: it holds one record at most, and with Outline not even
// that. The decoder is our own because the frames of a record may be hundreds
// of megabytes: a general one holds the whole record as bytes before it looks
// at it, and a second time as values.
//
// The package does not know where events come from or go to; sending a file
// again is the business of the command replay.
package dump
