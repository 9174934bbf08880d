package ledger

// State is how far a file has come.
type State string

// The states.
const (
	// Registering: its dataset is about to be posted, or was, with unknown
	// outcome.
	Registering State = "registering"
	// DatasetMade: its dataset is made, and no datablock was posted that may
	// have been taken.
	DatasetMade State = "dataset_made"
	// Attaching: its datablock is about to be posted, or was, with unknown
	// outcome.
	Attaching State = "attaching"
	// Registered: dataset and datablock are in the catalogue.
	Registered State = "registered"
	// Left: its dataset exists, nobody here knows who made it, and it was left
	// as it is.
	Left State = "left"
	// Failed: nothing of it is in the catalogue, as far as is known.
	Failed State = "failed"
)
