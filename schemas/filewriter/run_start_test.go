package filewriter

import (
	"bytes"
	"encoding/json"
	"errors"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"ingestor/schemas/filewriter/fbs"
)

const runStartFolder = "testdata/pl72"

// runStartCase is an entry of testdata/pl72/index.json: the arguments with
// which the peer's library wrote the message.
type runStartCase struct {
	JobID          string  `json:"job_id"`
	FileName       string  `json:"filename"`
	StartTime      uint64  `json:"start_time"`
	StopTime       uint64  `json:"stop_time"`
	RunName        *string `json:"run_name"`
	NexusStructure *string `json:"nexus_structure"`
	ServiceID      string  `json:"service_id"`
	InstrumentName string  `json:"instrument_name"`
	Broker         string  `json:"broker"`
	Metadata       *string `json:"metadata"`
	ControlTopic   string  `json:"control_topic"`
	Map            []any   `json:"map"`
}

func (c runStartCase) want() RunStart {
	or := func(s *string, absent string) string {
		if s == nil {
			return absent
		}
		return *s
	}
	r := RunStart{
		StartTime: c.StartTime, StopTime: c.StopTime, RunName: or(c.RunName, "test_run"),
		InstrumentName: c.InstrumentName, NexusStructure: or(c.NexusStructure, "{}"), JobID: c.JobID,
		Broker: c.Broker, ServiceID: c.ServiceID, FileName: c.FileName, Periods: 1,
		Metadata: or(c.Metadata, "{}"), ControlTopic: c.ControlTopic,
	}
	if c.Map != nil {
		list := func(v any) (l []int32) {
			for _, n := range v.([]any) {
				l = append(l, int32(n.(float64)))
			}
			return l
		}
		r.Spectra = &DetectorSpectra{Spectra: list(c.Map[0]), Detectors: list(c.Map[1]), Count: int32(c.Map[2].(float64))}
	}
	return r
}

func runStartCases(t testing.TB) map[string]runStartCase {
	t.Helper()
	var cases map[string]runStartCase
	if err := json.Unmarshal(readFile(t, filepath.Join(runStartFolder, "index.json")), &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) == 0 {
		t.Fatal("index.json lists no messages")
	}
	return cases
}

func TestRunStartsOfThePeersLibraryAreRead(t *testing.T) {
	for name, c := range runStartCases(t) {
		t.Run(name, func(t *testing.T) {
			got, err := DecodeRunStart(readFile(t, filepath.Join(runStartFolder, name)))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, c.want()) {
				t.Errorf("got  %+v\nwant %+v", got, c.want())
			}
		})
	}
}

func TestRunStartSurvivesEncodeAndDecode(t *testing.T) {
	for name, c := range runStartCases(t) {
		t.Run(name, func(t *testing.T) {
			want := c.want()
			want.Periods = 7
			got, err := DecodeRunStart(want.Encode())
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestMessagesOfOtherSchemasAreNoRunStart(t *testing.T) {
	for _, c := range messageCases(t) {
		if _, err := DecodeRunStart(readFile(t, filepath.Join(messagesFolder, c.File))); (c.Schema != RunStartID) != errors.Is(err, ErrOtherSchema) {
			t.Errorf("%s: error %v", c.File, err)
		}
	}
}

func TestCutRunStartIsNeverReadDifferently(t *testing.T) {
	whole := readFile(t, filepath.Join(runStartFolder, "full.bin"))
	want, err := DecodeRunStart(whole)
	if err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		got, err := DecodeRunStart(slices.Clone(whole[:n]))
		switch {
		case err == nil && reflect.DeepEqual(got, want):
		case n < 8 && errors.Is(err, ErrOtherSchema):
		case n >= 8 && errors.Is(err, ErrMalformed):
		default:
			t.Errorf("%d bytes: %v, %v", n, got, err)
		}
	}
}

func FuzzDecodeRunStart(f *testing.F) {
	for name := range runStartCases(f) {
		f.Add(readFile(f, filepath.Join(runStartFolder, name)))
	}
	f.Add(readFile(f, filepath.Join(messagesFolder, "other_pl72.bin")))
	f.Add([]byte("pl72pl72pl72pl72"))
	f.Fuzz(func(t *testing.T, p []byte) {
		before := bytes.Clone(p)
		got, err := DecodeRunStart(p)
		if !bytes.Equal(before, p) {
			t.Fatal("decoding changes the message")
		}
		if err != nil {
			if errors.Is(err, ErrMalformed) == errors.Is(err, ErrOtherSchema) || !reflect.DeepEqual(got, RunStart{}) {
				t.Fatalf("result %v beside error %v", got, err)
			}
			return
		}
		// What passes our checks is what FlatBuffers' own reader sees.
		own := fbs.GetRootAsRunStart(p, 0)
		want := RunStart{
			StartTime: own.StartTime(), StopTime: own.StopTime(), RunName: string(own.RunName()),
			InstrumentName: string(own.InstrumentName()), NexusStructure: string(own.NexusStructure()),
			JobID: string(own.JobId()), Broker: string(own.Broker()), ServiceID: string(own.ServiceId()),
			FileName: string(own.Filename()), Periods: own.NPeriods(), Metadata: string(own.Metadata()),
			ControlTopic: string(own.ControlTopic()),
		}
		if m := own.DetectorSpectrumMap(nil); m != nil {
			want.Spectra = &DetectorSpectra{Count: m.NSpectra()}
			for i := range m.SpectrumLength() {
				want.Spectra.Spectra = append(want.Spectra.Spectra, m.Spectrum(i))
			}
			for i := range m.DetectorIdLength() {
				want.Spectra.Detectors = append(want.Spectra.Detectors, m.DetectorId(i))
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("decoded %+v, FlatBuffers reads %+v", got, want)
		}
		if again, err := DecodeRunStart(got.Encode()); err != nil || !reflect.DeepEqual(again, got) {
			t.Fatalf("second round gives %+v, %v", again, err)
		}
	})
}

func BenchmarkDecodeRunStart(b *testing.B) {
	p := readFile(b, filepath.Join(runStartFolder, "no_map.bin"))
	b.ReportAllocs()
	for b.Loop() {
		_, _ = DecodeRunStart(p)
	}
}
