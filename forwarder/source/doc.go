// Package source holds what the forwarder knows of detectors: one file for each
// protocol, behind the interface Source.
//
// A source gives events. An event is what one assignment is for: the start of a
// series, one frame, the end of the series; its parts are the frames that workers
// get, untouched. All sources are in one of three states: they wait for a start and
// drop what is none; they run, and drop what is broken without using up an
// assignment; and after the end they drop everything until the next mapping. What is
// dropped is counted by reason and logged now and then.
//
// Which headers pass is decided as dranspose's peers decide, to the last odd value:
// testdata/measured holds what the real validators say of some thousand headers.
//
// Invariant: the pump's goroutine is never kept waiting, no input makes a source
// panic, and what a source holds is bounded by Upstream.QueueBytes or by its socket's
// limit.
//
// It assigns nothing, sends nothing, and matches frames to events by order alone.
//
// # A source of your own
//
// A detector that sends ZeroMQ messages with a JSON header in front needs no code:
// see Declarative. For all else implement Source, in a file of its own here, and add
// its name to the table in names.go. The example of Source shows a complete one. The
// rules:
//
//   - All methods are called from the pump's goroutine and return at once. Waiting is
//     done by goroutines that Open starts and Close ends; they call Upstream.Wake when
//     Next has something to give. A source with a ZeroMQ socket starts none: it has
//     the socket watched by Upstream.Watch.
//   - Next gives each event once, as a message from Upstream.Pool that is the
//     caller's from then on.
//   - Close drops what waits. After it Open may be called again, for the next mapping.
package source
