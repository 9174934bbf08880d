package configs

// Dataset says which identifiers and groups a dataset gets.
type Dataset struct {
	AllowDatasetPID     bool     // false: the catalogue assigns the pid (D2)
	GenerateDatasetPID  bool     // true: prefix and a name-based uuid instead of the schema's pid (D3)
	DatasetPIDPrefix    string   // without the slash; may be empty
	DefaultInstrumentID string   // where the schema gave none
	DefaultProposalID   string   // where the schema gave none
	DefaultOwnerGroup   string   // where the schema gave none
	DefaultAccessGroups []string // where the schema gave none
}

func (d *Dataset) keys() []key {
	return []key{
		{path: "dataset.allow_dataset_pid", value: boolean(&d.AllowDatasetPID), standard: "true",
			doc: "Send the pid that the schema or the next key gives. false: the catalogue assigns one."},
		{path: "dataset.generate_dataset_pid", value: boolean(&d.GenerateDatasetPID), standard: "false",
			doc: "Make the pid from the prefix below and a uuid that is always the same for the same file, whatever the schema says."},
		{path: "dataset.dataset_pid_prefix", value: text(&d.DatasetPIDPrefix), standard: "20.500.12269",
			doc: "Prefix of generated pids, without the slash. Empty: the bare uuid."},
		{path: "dataset.default_instrument_id", value: text(&d.DefaultInstrumentID), standard: "ID_OF_FALLBACK_INSTRUMENT",
			doc: "instrumentId of datasets whose schema gives none."},
		{path: "dataset.default_proposal_id", value: text(&d.DefaultProposalID), standard: "DEFAULT_PROPOSAL_ID",
			doc: "proposalId of datasets whose schema gives none."},
		{path: "dataset.default_owner_group", value: text(&d.DefaultOwnerGroup), standard: "DEFAULT_OWNER_GROUP",
			doc: "ownerGroup of datasets whose schema gives none."},
		{path: "dataset.default_access_groups", value: texts(&d.DefaultAccessGroups), standard: "ACCESS_GROUP_1",
			doc: "accessGroups of datasets whose schema gives none."},
	}
}
