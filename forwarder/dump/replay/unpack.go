package replay

import (
	"bytes"
	"encoding/json"
	"fmt"

	"ingestor/internal/jsonscan"
)

// The typ of the streams that are known, as the ingesters write them.
const (
	typStins    = "STINS"
	typEiger    = "EIGER_LEGACY"
	typContrast = "contrast"
	typXspress  = "xspress"
	typPCAP     = "PCAP"
	typAlbaem   = "albaem"
	typLecroy   = "lecroy_9fwdWp6Rq7"
	typPCAPRaw  = "PCAP_RAW"
	typSardana  = "sardana"
)

// unpacker makes of an event's frames the messages of the upstream. It has a
// memory: one belongs to one stream.
type unpacker struct {
	scan       *jsonscan.Scanner
	continuous bool // Lecroy: a sequence start was sent that is repeated in front of each event
	one        [1][][]byte
}

func newUnpacker() *unpacker {
	return &unpacker{scan: jsonscan.New(jsonscan.Options{NonFinite: true})}
}

// messages gives the messages of one event; they share the frames' bytes and
// are good until the next call.
func (u *unpacker) messages(typ string, frames [][]byte) ([][][]byte, error) {
	switch {
	case len(frames) == 0:
		return nil, nil
	case typ == typLecroy:
		return u.lecroy(frames), nil
	case typ == typPCAP:
		row, err := u.pcap(frames[0])
		if err != nil {
			return nil, fmt.Errorf("a PCAP event is no JSON object: %w", err)
		}
		u.one[0] = append([][]byte{row}, frames[1:]...)
	default:
		u.one[0] = frames
	}
	return u.one[:], nil
}

// pcap makes a message of one row: each value becomes a column of one element.
// Start and end stay as they are.
func (u *unpacker) pcap(event []byte) ([]byte, error) {
	typ, err := u.field(event, "message_type")
	if err != nil || string(typ) != `"data"` {
		return event, err
	}
	u.scan.Reset(event)
	row := []byte{'{'}
	if err := u.scan.EnterObject(); err != nil {
		return nil, err
	}
	for {
		key, more, err := u.scan.NextKey()
		if err != nil {
			return nil, err
		}
		if !more {
			return append(row, '}'), u.scan.End()
		}
		scalar := false
		switch string(key) { // all else are columns
		case "message_id", "version", "message_type", "frame_number":
			scalar = true
		}
		name, err := json.Marshal(string(key))
		if err != nil {
			return nil, err
		}
		value, err := u.scan.Skip()
		if err != nil {
			return nil, err
		}
		if len(row) > 1 {
			row = append(row, ',')
		}
		row = append(append(row, name...), ':')
		if !scalar {
			row = append(row, '[')
		}
		row = append(row, value...)
		if !scalar {
			row = append(row, ']')
		}
	}
}

// lecroy cuts an event into the messages that it was gathered from. Traces are
// three parts, all else is one. In continuous mode the forwarder puts the first
// sequence start in front of each event: it is sent for the first one only.
func (u *unpacker) lecroy(frames [][]byte) (all [][][]byte) {
	if what, _ := u.field(frames[0], "what"); string(what) == "0" {
		u.continuous = false
	} else if string(what) == "1" {
		again := u.continuous
		n, _ := u.field(frames[0], "ntriggers")
		u.continuous = string(n) == "-1"
		if again && u.continuous {
			frames = frames[1:]
		}
	}
	for len(frames) > 0 {
		n := 1
		if kind, _ := u.field(frames[0], "htype"); string(kind) == `"traces"` {
			n = min(3, len(frames))
		}
		all = append(all, frames[:n])
		frames = frames[n:]
	}
	return all
}

// field is the value of a member of an object as it is written; of one that is
// there twice the last, as the peers' parser has it. Nil: there is none.
func (u *unpacker) field(object []byte, name string) (value []byte, err error) {
	u.scan.Reset(object)
	if err := u.scan.EnterObject(); err != nil {
		return nil, err
	}
	for {
		key, more, err := u.scan.NextKey()
		if err != nil {
			return nil, err
		}
		if !more {
			return value, u.scan.End()
		}
		found := string(key) == name
		v, err := u.scan.Skip()
		if err != nil {
			return nil, err
		}
		if found {
			value = bytes.TrimSpace(v)
		}
	}
}
