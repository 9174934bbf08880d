package embedded

import (
	"net"
	"strconv"
	"strings"
	"testing"
)

func TestStart_ListensOnLoopbackOnly(t *testing.T) {
	b, err := Start(Options{Topics: []string{"t"}, Partitions: 2})
	if err != nil {
		t.Fatal(err)
	}
	host, text, err := net.SplitHostPort(b.Address())
	if err != nil || host != "127.0.0.1" {
		t.Errorf("listens on %s, %v", b.Address(), err)
	}
	if n := len(b.cluster.PartitionInfos("t")); n != 2 {
		t.Errorf("topic t has %d partitions, not 2", n)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Start(Options{Port: port}); err == nil {
		t.Error("two brokers on one port")
	}
	b.Close()
	b.Close()
	again, err := Start(Options{Port: port})
	if err != nil {
		t.Fatalf("the port is not free after Close: %v", err)
	}
	again.Close()
}

func TestStart_ListsAllFaults(t *testing.T) {
	_, err := Start(Options{Topics: []string{""}, Partitions: -1, Port: 70000})
	for _, want := range []string{"topics", "partitions", "port"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
}
