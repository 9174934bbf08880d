package configs

// Declarative describes an upstream of multipart messages whose first part is a JSON
// header, for sources that are not built in.
type Declarative struct {
	Socket     string   // pull or sub
	Subscribe  string   // sub only: topic prefix; "" = all
	Typ        string   // typ in headers and dumps
	Field      string   // key of the header that tells what a message is
	Start      []string // its values
	Data       []string
	End        []string
	Parts      int    // of each data message, the header included; 0 = any
	FrameField string // key with the number of the frame; "" = none
}

func (d *Declarative) keys() []key {
	return []key{
		{path: "socket", value: oneOf(&d.Socket, "pull", "sub"), standard: "pull",
			doc: "pull, where the upstream is PUSH, or sub, where it is PUB."},
		{path: "subscribe", value: text(&d.Subscribe),
			doc: "With sub: beginning of the messages to subscribe to. Empty: all."},
		{path: "typ", value: text(&d.Typ), sample: "MYDET",
			doc: "What workers see as the kind of the stream."},
		{path: "field", value: text(&d.Field), standard: "htype",
			doc: "Key of the header that tells what a message is."},
		{path: "start", value: texts(&d.Start), sample: "[header]",
			doc: "Values of it that begin a series."},
		{path: "data", value: texts(&d.Data), sample: "[image]",
			doc: "Values of it that mean a frame."},
		{path: "end", value: texts(&d.End), sample: "[series_end]",
			doc: "Values of it that end a series."},
		{path: "parts", value: number(&d.Parts, 0, 10_000), standard: "0",
			doc: "Parts of a frame's message, the header included; others are dropped. 0: any number."},
		{path: "frame_field", value: text(&d.FrameField),
			doc: "Key of the header with the number of the frame, for finding gaps and for upstream_connections. Empty: none."},
	}
}

// SoftwareTrigger describes a stream without upstream.
type SoftwareTrigger struct {
	Typ    string   // typ in headers and dumps
	Frames []string // of each event
}

func (s *SoftwareTrigger) keys() []key {
	return []key{
		{path: "typ", value: text(&s.Typ), standard: "JSON",
			doc: "What workers see as the kind of the stream."},
		{path: "frames", value: verbatim(&s.Frames),
			doc: "Frames of each event, as text."},
	}
}
