package configs

// Declarative describes an upstream of multipart messages whose first part is a JSON
// header, for sources that are not built in.
type Declarative struct {
	Socket     string   // pull or sub
	Bind       bool     // we listen at the URL
	Subscribe  string   // sub only: topic prefix; "" = all
	Typ        string   // typ in headers and dumps
	Field      string   // key of the header that tells what a message is
	Start      []string // its values
	Data       []string
	End        []string
	Parts      int    // of each data message, the header included; 0 = any
	MinParts   int    // bounds of that; 0 = none
	MaxParts   int    //
	FrameField string // key with the number of the frame; "" = none
}

func (d *Declarative) keys() []key {
	return []key{
		{path: "socket", value: oneOf(&d.Socket, "pull", "sub"), standard: "pull",
			doc: "pull, where the upstream is PUSH, or sub, where it is PUB."},
		{path: "bind", value: boolean(&d.Bind), standard: "false",
			doc: "Listen at upstream_url, and the detector connects; else it is connected to."},
		{path: "subscribe", value: text(&d.Subscribe),
			doc: "With sub: beginning of the messages to subscribe to. Empty: all."},
		{path: "typ", value: text(&d.Typ), sample: "MYDET",
			doc: "What workers see as the kind of the stream."},
		{path: "field", value: text(&d.Field), standard: "htype",
			doc: "Key of the header that tells what a message is."},
		{path: "start", value: texts(&d.Start), sample: "[header]",
			doc: "Values of it that begin a series: texts, or numbers, true and false as they are written."},
		{path: "data", value: texts(&d.Data), sample: "[image]",
			doc: "Values of it that mean a frame."},
		{path: "end", value: texts(&d.End), sample: "[series_end]",
			doc: "Values of it that end a series."},
		{path: "parts", value: number(&d.Parts, 0, 10_000), standard: "0",
			doc: "Parts of a frame's message, the header included; others are dropped. 0: any number."},
		{path: "min_parts", value: number(&d.MinParts, 0, 10_000), standard: "0",
			doc: "The least that is taken. 0: any."},
		{path: "max_parts", value: number(&d.MaxParts, 0, 10_000), standard: "0",
			doc: "The most that is taken. 0: any."},
		{path: "frame_field", value: text(&d.FrameField),
			doc: "Key of the header with the number of the frame, for finding gaps and for upstream_connections. Empty: none."},
	}
}

// SoftwareTrigger describes a stream without upstream.
type SoftwareTrigger struct {
	Typ    string   // typ in headers and dumps
	Frames []string // of each event; {n} and {event} stand for numbers
}

func (s *SoftwareTrigger) keys() []key {
	return []key{
		{path: "typ", value: text(&s.Typ), standard: "JSON",
			doc: "What workers see as the kind of the stream."},
		{path: "frames", value: verbatim(&s.Frames),
			doc: "Frames of each event, as text, in which {n} is how many events there were before in the scan, and {event} the event's number."},
	}
}
