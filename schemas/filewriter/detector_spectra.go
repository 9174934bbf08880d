package filewriter

import (
	flatbuffers "github.com/google/flatbuffers/go"

	"ingestor/schemas/filewriter/fbs"
)

// DetectorSpectra says which detector pixels add up to which spectrum: entry i
// of both lists belongs together. The lists are as they stand in the message:
// nothing checks that their lengths or Count agree.
type DetectorSpectra struct {
	// Spectra are numbers of spectra.
	Spectra []int32
	// Detectors are numbers of pixels.
	Detectors []int32
	// Count is the number of spectra.
	Count int32
}

// The fields of table SpectraDetectorMapping, in the order of pl72.fbs.
const (
	mappingSpectrum = iota
	mappingDetectorID
	mappingCount
)

// decodeSpectra reads the table in a field of t; nil when absent. A fault in it
// is a fault of t.
func decodeSpectra(t *table, slot int) *DetectorSpectra {
	pos, ok := t.target(slot, "detector_spectrum_map")
	if !ok {
		return nil
	}
	m := tableAt(t.buf, pos, "detector_spectrum_map")
	d := DetectorSpectra{
		Spectra:   m.int32s(mappingSpectrum, "spectrum"),
		Detectors: m.int32s(mappingDetectorID, "detector_id"),
		Count:     int32(m.uint32(mappingCount, "n_spectra", 0)),
	}
	if m.err != nil {
		t.err = m.err
		return nil
	}
	return &d
}

// encode is 0, which leaves the field out, for nil.
func (d *DetectorSpectra) encode(b *flatbuffers.Builder) flatbuffers.UOffsetT {
	if d == nil {
		return 0
	}
	// Vectors are built from their end.
	fbs.SpectraDetectorMappingStartSpectrumVector(b, len(d.Spectra))
	for i := len(d.Spectra) - 1; i >= 0; i-- {
		b.PrependInt32(d.Spectra[i])
	}
	spectra := b.EndVector(len(d.Spectra))
	fbs.SpectraDetectorMappingStartDetectorIdVector(b, len(d.Detectors))
	for i := len(d.Detectors) - 1; i >= 0; i-- {
		b.PrependInt32(d.Detectors[i])
	}
	detectors := b.EndVector(len(d.Detectors))
	fbs.SpectraDetectorMappingStart(b)
	fbs.SpectraDetectorMappingAddSpectrum(b, spectra)
	fbs.SpectraDetectorMappingAddDetectorId(b, detectors)
	fbs.SpectraDetectorMappingAddNSpectra(b, d.Count)
	return fbs.SpectraDetectorMappingEnd(b)
}
