package intake

import "testing"

func TestPosition_IsTopicPartitionOffset(t *testing.T) {
	for want, m := range map[string]Message{
		"files/3/7":           {Source: "kafka", Topic: "files", Partition: 3, Offset: 7},
		"/data/a b.nxs/0/-12": {Topic: "/data/a b.nxs", Offset: -12},
	} {
		if got := m.Position(); got != want {
			t.Errorf("%q, not %q", got, want)
		}
		if got := (DeadLetter{Message: m}).Position(); got != want {
			t.Errorf("its letter: %q", got)
		}
	}
}
