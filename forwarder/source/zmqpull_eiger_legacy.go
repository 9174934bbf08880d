package source

// newEigerLegacy is the legacy interface of Dectris detectors: dheader-1.0 of one or
// more parts, dimage-1.0 of four or five, dseries_end-1.0.
func newEigerLegacy(s Settings) (Source, error) {
	return newPull(s, "EIGER_LEGACY", func() judge { return headed{schema: eigerLegacy()} })
}

func eigerLegacy() *schema {
	return newSchema(
		field{name: "htype", want: wantLiteral, texts: []string{"dheader-1.0", "dimage-1.0", "dseries_end-1.0"}},
		field{name: "frame", want: wantInt, frame: true},
	).
		model(start, []string{"htype=dheader-1.0"}, nil).
		model(data, []string{"htype=dimage-1.0", "frame"}, nil).
		model(end, []string{"htype=dseries_end-1.0"}, nil)
}
