// Package jsonscan is a cursor over the bytes of one JSON document: it goes
// through them once, from the front, and hands out views instead of values.
//
// It takes exactly RFC 8259 with three bounds of its own: text is UTF-8, an
// escaped surrogate comes in pairs, and values are nested no deeper than
// Options.MaxDepth. Options.NonFinite lets Python's NaN, Infinity and
// -Infinity pass as numbers, as the peers' parser does.
//
// Invariant: what the cursor has passed was valid; the first fault ends the
// document, every later call returns the same *SyntaxError. A document is
// valid as a whole only once End has returned nil. Nothing is allocated but
// the fault and the text of strings that hold escapes.
//
// It converts no numbers beyond Uint, keeps no members (a repeated key is
// seen twice), and knows no Go types.
//
//	s := jsonscan.New(jsonscan.Options{})
//	s.Reset(packet)
//	if err := s.EnterObject(); err != nil { … }
//	for {
//		key, ok, err := s.NextKey()
//		if err != nil || !ok { break }
//		switch string(key) {
//		case "frame": number, err = s.Number()
//		default:      _, err = s.Skip()
//		}
//	}
//	err = s.End()
package jsonscan
