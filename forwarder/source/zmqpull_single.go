package source

// newSingle is STINS, what streaming-receiver publishes: a header, images of two
// parts, and a series_end. htype has a default in the peers' models, so that a
// message without it is judged by the fields that it has.
func newSingle(s Settings) (Source, error) {
	return newPull(s, "STINS", func() judge { return headed{schema: stins()} })
}

func stins() *schema {
	return newSchema(
		field{name: "htype", want: wantLiteral, texts: []string{"header", "image", "series_end"}},
		field{name: "frame", want: wantInt, frame: true},
		field{name: "shape", want: wantInts},
		field{name: "type", want: wantText},
		field{name: "compression", want: wantText},
		field{name: "msg_number", want: wantInt, keep: true},
		field{name: "filename", want: wantText},
	).
		model(start, []string{"msg_number", "filename"}, []string{"htype=header"}).
		model(data, []string{"msg_number", "frame", "shape", "type", "compression"}, []string{"htype=image"}).
		model(end, []string{"msg_number"}, []string{"htype=series_end"})
}
