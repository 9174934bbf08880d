package source

// newAlbaem is the electrometer of ALBA: JSON messages of one part, forwarded as they
// are.
func newAlbaem(s Settings) (Source, error) {
	return newSub(s, "albaem", verbatim(func() judge { return headed{schema: albaem()} }))
}

func albaem() *schema {
	return newSchema(
		field{name: "message_type", want: wantLiteral, texts: []string{"series-start", "data", "series-end"}},
		field{name: "message_id", want: wantInt},
		field{name: "version", want: wantNumber, numbers: []int64{1}},
		field{name: "frame_number", want: wantInt, frame: true},
		field{name: "timestamp", want: wantFloat},
		field{name: "acquisition_timestamp", want: wantInt},
	).
		model(start, []string{"message_type=series-start", "message_id", "version"}, nil).
		model(data, []string{"message_type=data", "message_id", "version", "frame_number", "timestamp", "acquisition_timestamp"}, nil).
		model(end, []string{"message_type=series-end", "message_id", "version"}, nil)
}
