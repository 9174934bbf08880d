package configs

// APIEndpoints are the paths of the resources below SciCat.Host (D18).
type APIEndpoints struct {
	Datasets       string
	Proposals      string
	OrigDatablocks string
	Instruments    string
	Samples        string
}

// Map gives the endpoints by their usual names.
func (a APIEndpoints) Map() map[string]string {
	return map[string]string{
		"datasets": a.Datasets, "proposals": a.Proposals, "origdatablocks": a.OrigDatablocks,
		"instruments": a.Instruments, "samples": a.Samples,
	}
}

func (a *APIEndpoints) keys() []key {
	const p = "scicat.api_endpoints."
	return []key{
		{path: p + "datasets", value: text(&a.Datasets), standard: "datasets", doc: "Datasets."},
		{path: p + "proposals", value: text(&a.Proposals), standard: "proposals", doc: "Proposals."},
		{path: p + "origdatablocks", value: text(&a.OrigDatablocks), standard: "origdatablocks", doc: "File lists of datasets."},
		{path: p + "instruments", value: text(&a.Instruments), standard: "instruments", doc: "Instruments."},
		{path: p + "samples", value: text(&a.Samples), standard: "samples", doc: "Samples."},
	}
}
