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
	case typ == typXspress && len(frames) > 3 && u.image(frames[0]):
		// Only three parts are an event of their own; else the ingester takes the
		// next two messages into it, whatever they are.
		return [][][]byte{frames[:1], frames[1:2], frames[2:]}, nil
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
	return u.rewrite(event, func(key, value, row []byte) []byte {
		switch string(key) { // all else are columns
		case "message_id", "version", "message_type", "frame_number":
			return append(row, value...)
		}
		return append(append(append(row, '['), value...), ']')
	})
}

// sardana makes a body of what the ingester wrote: a time that is no number it
// writes as null, and takes as NaN only.
func (u *unpacker) sardana(event []byte) ([]byte, error) {
	if at, err := u.field(event, "timestamp"); err != nil || string(at) != "null" {
		return event, err
	}
	return u.rewrite(event, func(key, value, body []byte) []byte {
		if string(key) == "timestamp" {
			value = []byte("NaN")
		}
		return append(body, value...)
	})
}

// rewrite copies an object; write appends the new value of a member.
func (u *unpacker) rewrite(object []byte, write func(key, value, to []byte) []byte) ([]byte, error) {
	u.scan.Reset(object)
	out := []byte{'{'}
	if err := u.scan.EnterObject(); err != nil {
		return nil, err
	}
	for {
		key, more, err := u.scan.NextKey()
		if err != nil {
			return nil, err
		}
		if !more {
			return append(out, '}'), u.scan.End()
		}
		key = bytes.Clone(key) // reading the value may use its memory
		name, err := json.Marshal(string(key))
		if err != nil {
			return nil, err
		}
		value, err := u.scan.Skip()
		if err != nil {
			return nil, err
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = write(key, value, append(append(out, name...), ':'))
	}
}

// image says whether a packet of Xspress3 is one, also without its htype.
func (u *unpacker) image(header []byte) bool {
	kind, _ := u.field(header, "htype")
	frame, _ := u.field(header, "frame")
	return string(kind) == `"image"` || kind == nil && frame != nil
}

// lecroy cuts an event into the messages that it was gathered from: each begins
// with a packet in JSON, which no waveform and no list of times is. In continuous
// mode the ingester puts the first sequence start (its first part) in front of
// each event: it is sent for the first one only.
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
	for from, i := 0, 1; i <= len(frames); i++ {
		if i == len(frames) || u.packet(frames[i]) {
			all = append(all, frames[from:i])
			from = i
		}
	}
	return all
}

// packet says whether a part is a packet of Lecroy.
func (u *unpacker) packet(part []byte) bool {
	if len(part) == 0 || part[0] != '{' {
		return false
	}
	kind, _ := u.field(part, "htype")
	what, _ := u.field(part, "what")
	return string(kind) == `"msg"` || string(kind) == `"traces"` || kind == nil && what != nil
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
