package nexustest

import (
	"fmt"
	"strings"
	"time"
)

// RunInfo is what differs between the measurements of Run. Empty fields get
// defaults, so that RunInfo{} is a complete measurement.
type RunInfo struct {
	// JobID is the file writer's job; Proposal the proposal's number.
	JobID, Proposal string
	Title           string
	RunNumber       int
	Start, End      time.Time
	Instrument      string
	Sample          string
	// Temperature of the sample in kelvin, as a short log.
	Temperature []float64
	Users       []User
	// Detector is the shape of the detector's frames: number, rows, columns.
	Detector [3]int
}

// User is a member of the team.
type User struct{ Name, Affiliation, Email, ID string }

func (i RunInfo) withDefaults() RunInfo {
	text := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	text(&i.JobID, "7d4b2c1e-5a0f-4f7b-9a54-2f6f0e9c3d10")
	text(&i.Proposal, "443503")
	text(&i.Title, "Water in a porous rock")
	text(&i.Instrument, "odin")
	text(&i.Sample, "Sandstone 3")
	if i.RunNumber == 0 {
		i.RunNumber = 31010
	}
	if i.Start.IsZero() {
		i.Start = time.Date(2026, 3, 14, 9, 26, 53, 589_000_000, time.UTC)
	}
	if i.End.IsZero() {
		i.End = i.Start.Add(11*time.Minute + 33*time.Second)
	}
	if i.Temperature == nil {
		i.Temperature = []float64{293.15, 293.4, 293.25}
	}
	if i.Users == nil {
		i.Users = []User{
			{"Ada Sjöberg", "European Spallation Source ERIC", "ada.sjoberg@example.org", "1001"},
			{"Bo Lindqvist", "Lund University", "bo.lindqvist@example.org", "1002"},
		}
	}
	if i.Detector == [3]int{} {
		i.Detector = [3]int{4, 64, 64}
	}
	return i
}

// Run is the root group of a file as an ESS file writer leaves it: one entry
// with its identifiers, times, team, instrument with a compressed detector
// image, monitor and slit, sample with its temperature, and the data group that
// links to the image.
func Run(info RunInfo) Group {
	i := info.withDefaults()
	at := func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
	entry := Group{Name: "entry", Class: "NXentry", Children: []Node{
		Dataset{Name: "definition", Data: "NXtomo"},
		Dataset{Name: "title", Data: i.Title},
		Dataset{Name: "entry_identifier", Data: fmt.Sprint(i.RunNumber)},
		Dataset{Name: "entry_identifier_uuid", Data: i.JobID},
		Dataset{Name: "experiment_identifier", Data: i.Proposal},
		Dataset{Name: "experiment_description", Data: "Proposal " + i.Proposal},
		Dataset{Name: "start_time", Data: at(i.Start)},
		Dataset{Name: "end_time", Data: at(i.End)},
		Dataset{Name: "duration", Data: i.End.Sub(i.Start).Seconds(), Units: "s"},
	}}
	for n, u := range i.Users {
		entry.Children = append(entry.Children, Group{Name: fmt.Sprintf("user_%d", n+1), Class: "NXuser", Children: []Node{
			Dataset{Name: "name", Data: u.Name},
			Dataset{Name: "affiliation", Data: u.Affiliation},
			Dataset{Name: "email", Data: u.Email},
			Dataset{Name: "facility_user_id", Data: u.ID},
		}})
	}
	entry.Children = append(entry.Children, i.instrument(), i.sample(), Group{
		Name: "data", Class: "NXdata", Attributes: []Attribute{{Name: "signal", Data: "data"}},
		Children: []Node{SoftLink{Name: "data", Target: "/entry/instrument/detector/data"}},
	})
	return Group{
		Class: "NXroot",
		Attributes: []Attribute{
			{Name: "creator", Data: "kafka-to-nexus"}, {Name: "file_time", Data: at(i.End)}, {Name: "default", Data: "entry"},
		},
		Children: []Node{entry},
	}
}

func (i RunInfo) instrument() Group {
	n, rows, columns := i.Detector[0], i.Detector[1], i.Detector[2]
	image := make([]uint16, 0, n*rows*columns)
	for f := range n {
		for r := range rows {
			for c := range columns {
				image = append(image, uint16(200+(7*r+13*c)%50+10*f)) // smooth, so that it compresses
			}
		}
	}
	exposures := make([]float32, n)
	for f := range exposures {
		exposures[f] = 0.5
	}
	return Group{Name: "instrument", Class: "NXinstrument", Children: []Node{
		Dataset{Name: "name", Data: strings.ToUpper(i.Instrument), Attributes: []Attribute{{Name: "short_name", Data: i.Instrument}}},
		Group{Name: "detector", Class: "NXdetector", Children: []Node{
			Dataset{
				Name: "data", Data: image, Shape: []int{n, rows, columns}, Units: "counts",
				Chunk: []int{1, rows, columns}, Gzip: 4, Shuffle: true,
			},
			Dataset{Name: "count_time", Data: exposures, Units: "s"},
			Dataset{Name: "x_pixel_size", Data: 55.0, Units: "µm"},
			Dataset{Name: "distance", Data: 5.25, Units: "m"},
			Dataset{Name: "saturated", Data: false},
		}},
		Group{Name: "monitor", Class: "NXmonitor", Children: []Node{
			Dataset{Name: "counts", Data: uint64(1_204_733_918), Units: "counts"},
		}},
		Group{Name: "slit", Class: "NXslit", Children: []Node{
			Dataset{Name: "x_gap", Data: float32(12.5), Units: "mm"},
			Dataset{Name: "material", Data: Fixed("Cd")},
		}},
	}}
}

func (i RunInfo) sample() Group {
	times := make([]float64, len(i.Temperature))
	sum := 0.0
	for n, t := range i.Temperature {
		times[n] = float64(60 * n)
		sum += t
	}
	mean := 0.0
	if len(i.Temperature) > 0 {
		mean = sum / float64(len(i.Temperature))
	}
	return Group{Name: "sample", Class: "NXsample", Children: []Node{
		Dataset{Name: "name", Data: i.Sample},
		Dataset{Name: "temperature", Data: mean, Units: "K"},
		Group{Name: "temperature_log", Class: "NXlog", Children: []Node{
			Dataset{Name: "value", Data: i.Temperature, Units: "K"},
			Dataset{Name: "time", Data: times, Units: "s"},
		}},
		Dataset{Name: "elements", Data: []string{"Si", "O", "H"}},
	}}
}
