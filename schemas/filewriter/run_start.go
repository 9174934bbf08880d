package filewriter

import (
	flatbuffers "github.com/google/flatbuffers/go"

	"ingestor/schemas/filewriter/fbs"
)

// RunStart is the message by which the run control asks a file writer to begin
// a file. A text that is absent in the message is empty here; any may be.
type RunStart struct {
	// StartTime and StopTime are milliseconds since 1970 (UTC) as they stand in
	// the message, unchecked; a StopTime of 0 means that it is not known yet.
	StartTime, StopTime uint64
	// RunName is for people.
	RunName string
	// InstrumentName is the instrument.
	InstrumentName string
	// NexusStructure is the JSON text that lays the file out.
	NexusStructure string
	// JobID is the job that the WritingDone will name.
	JobID string
	// Broker is the host:port of the data's Kafka.
	Broker string
	// ServiceID names the wanted file writer; empty: any.
	ServiceID string
	// FileName is the path of the file to be.
	FileName string
	// Periods is the number of periods; 1 where the message has none.
	Periods uint32
	// Spectra groups the detector's pixels; nil where the message has none.
	Spectra *DetectorSpectra
	// Metadata is JSON text, not checked to be so.
	Metadata string
	// ControlTopic is where commands to the writer go.
	ControlTopic string
}

// The fields of table RunStart, in the order of pl72.fbs.
const (
	startStartTime = iota
	startStopTime
	startRunName
	startInstrumentName
	startNexusStructure
	startJobID
	startBroker
	startServiceID
	startFileName
	startPeriods
	startSpectra
	startMetadata
	startControlTopic
)

// defaultPeriods is the schema's default of n_periods.
const defaultPeriods = 1

// DecodeRunStart reads a message value. The error is ErrOtherSchema where the
// identifier is not pl72 (also for an empty value), ErrMalformed where it is
// but the rest can not be read. The result does not share memory with p.
func DecodeRunStart(p []byte) (r RunStart, err error) {
	if !hasIdentifier(p, RunStartID) {
		return RunStart{}, ErrOtherSchema
	}
	defer guard(&err)
	t := rootTable(p)
	texts := [...]span{
		t.text(startRunName, "run_name"),
		t.text(startInstrumentName, "instrument_name"),
		t.text(startNexusStructure, "nexus_structure"),
		t.text(startJobID, "job_id"),
		t.text(startBroker, "broker"),
		t.text(startServiceID, "service_id"),
		t.text(startFileName, "filename"),
		t.text(startMetadata, "metadata"),
		t.text(startControlTopic, "control_topic"),
	}
	read := RunStart{
		StartTime: t.uint64(startStartTime, "start_time"),
		StopTime:  t.uint64(startStopTime, "stop_time"),
		Periods:   t.uint32(startPeriods, "n_periods", defaultPeriods),
		Spectra:   decodeSpectra(&t, startSpectra),
	}
	if t.err != nil {
		return RunStart{}, t.err
	}
	copyTexts(p, texts[:], &read.RunName, &read.InstrumentName, &read.NexusStructure, &read.JobID,
		&read.Broker, &read.ServiceID, &read.FileName, &read.Metadata, &read.ControlTopic)
	return read, nil
}

// Encode is the message value.
func (r RunStart) Encode() []byte {
	const overhead = 256 // table, vtable, lengths and padding
	b := flatbuffers.NewBuilder(overhead + len(r.NexusStructure) + len(r.Metadata))
	runName, instrument := b.CreateString(r.RunName), b.CreateString(r.InstrumentName)
	structure, job := b.CreateString(r.NexusStructure), b.CreateString(r.JobID)
	broker, service := b.CreateString(r.Broker), b.CreateString(r.ServiceID)
	file, metadata := b.CreateString(r.FileName), b.CreateString(r.Metadata)
	topic := b.CreateString(r.ControlTopic)
	spectra := r.Spectra.encode(b)
	fbs.RunStartStart(b)
	fbs.RunStartAddStartTime(b, r.StartTime)
	fbs.RunStartAddStopTime(b, r.StopTime)
	fbs.RunStartAddRunName(b, runName)
	fbs.RunStartAddInstrumentName(b, instrument)
	fbs.RunStartAddNexusStructure(b, structure)
	fbs.RunStartAddJobId(b, job)
	fbs.RunStartAddBroker(b, broker)
	fbs.RunStartAddServiceId(b, service)
	fbs.RunStartAddFilename(b, file)
	fbs.RunStartAddNPeriods(b, r.Periods)
	fbs.RunStartAddDetectorSpectrumMap(b, spectra)
	fbs.RunStartAddMetadata(b, metadata)
	fbs.RunStartAddControlTopic(b, topic)
	b.FinishWithFileIdentifier(fbs.RunStartEnd(b), []byte(RunStartID))
	return b.FinishedBytes()
}
