// Package filewriter reads and writes the two messages that tie a run to its
// file: "run start" (schema pl72) and "writing done" (schema wrdn), both
// FlatBuffers.
//
// A message comes from outside, so nothing in it is believed: identifier, root,
// vtable, every field, every length and every text are checked against the
// buffer before they are read.
//
// Invariant: no bytes make this package panic, and every text that it returns
// stood wholly inside the message and is UTF-8.
//
// It does not decide what to do with a message, and it knows no broker. The
// tables follow the ECDC streaming data types; the Go code in fbs is generated
// from wrdn.fbs and pl72.fbs and used for writing only, because the runtime has
// no verifier and its readers panic on foreign bytes.
package filewriter

//go:generate flatc --go --gen-onefile --go-namespace fbs -o fbs wrdn.fbs
//go:generate flatc --go --gen-onefile --go-namespace fbs -o fbs pl72.fbs
//go:generate gofmt -w fbs
