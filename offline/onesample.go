package offline

import (
	"errors"
	"net/http"
	"slices"

	"ingestor/scicat"
)

// withOneSample is the dataset for a catalogue that has refused a list of samples
// and takes one only, as SciCat's API of this version does; false when it was
// refused for something else. The list is what scicat-ingestor sends.
func (g *Ingestor) withOneSample(path string, d scicat.Dataset, refused error) (scicat.Dataset, bool) {
	samples, several := d.SampleID.([]any)
	var e *scicat.APIError
	if !several || len(samples) == 0 || !errors.As(refused, &e) || e.Status != http.StatusBadRequest ||
		!slices.ContainsFunc(e.Fields, func(f scicat.FieldError) bool { return f.Field == "sampleId" }) {
		return d, false
	}
	d.SampleID = samples[0]
	if len(samples) > 1 {
		g.log(path).WithField("samples", samples).Warn("The catalogue takes one sample for a dataset: the first is kept, the others are left out")
	}
	return d, true
}
