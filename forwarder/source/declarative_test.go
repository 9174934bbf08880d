package source

import (
	"fmt"
	"testing"
	"time"

	"ingestor/internal/zmq"
)

func described() *Declarative {
	return &Declarative{Typ: "MYDET", Field: "kind", Start: []string{"arm"}, Data: []string{"shot", "1"}, End: []string{"disarm", "null"}, FrameField: "nr", MinParts: 2, MaxParts: 3}
}

func TestDeclarative_TellsMessagesByOneField(t *testing.T) {
	up, push := pushing(t, "tcp://127.0.0.1:*")
	s := open(t, up, Settings{Source: "declarative", URL: push.Endpoint(), Declarative: described()})
	if s.Typ() != "MYDET" {
		t.Error(s.Typ())
	}
	for _, m := range [][]string{
		{`{"kind":"shot","nr":0}`, "early"}, {`{"kind":"other"}`}, {`{}`}, {`[]`}, {`{"kind":"arm","x":{"kind":"disarm"}}`, "more"},
		{`{"kind":"shot","nr":0}`, "a"}, {`{"kind":"shot","nr":0}`}, {`{"kind":1,"nr":"1"}`, "b", "c"}, {`{"kind":1,"nr":1}`, "b", "c", "d"},
		{`{"kind":"shot","kind":"nothing"}`, "x"}, {`{"kind":"shot","nr":"?"}`, "e"}, {`{"kind":"shot","nr":3}`, "f"}, {`{"kind":null}`}, {`{"kind":"arm"}`},
	} {
		send(t, push, m...)
	}
	expect(t, up, s, `{"kind":"arm","x":{"kind":"disarm"}}|more`, `{"kind":"shot","nr":0}|a`, `{"kind":1,"nr":"1"}|b|c`, `{"kind":"shot","nr":"?"}|e`,
		`{"kind":"shot","nr":3}|f`, `{"kind":null}`)
	silence(t, s)
	if d := discards(up); d[NoStart] != 2 || d[Invalid] != 2 || d[Parts] != 2 || d[Repeated] != 1 || d[AfterEnd] != 1 {
		t.Errorf("discards %v", up.Count.Discards())
	}
	if up.Count.Gaps.Load() != 1 {
		t.Errorf("%d gaps", up.Count.Gaps.Load())
	}
}

func TestDeclarative_SubscribesToAPrefix(t *testing.T) {
	up, pub := sending(t, zmq.Pub, "tcp://127.0.0.1:*")
	d := described()
	d.Socket, d.Subscribe = "sub", `{"kind"`
	s := open(t, up, Settings{Source: "declarative", URL: pub.Endpoint(), Declarative: d})
	time.Sleep(300 * time.Millisecond)
	send(t, pub, `{"other":1,"kind":"arm"}`)
	send(t, pub, `{"kind":"arm"}`)
	expect(t, up, s, `{"kind":"arm"}`)
	if _, ok := s.(Restarter); ok {
		t.Error("a SUB keeps its socket")
	}
}

func TestDeclarative_Binds(t *testing.T) {
	up := connected(t)
	d := described()
	d.Bind = true
	s := open(t, up, Settings{Source: "declarative", URL: "inproc://bound", Declarative: d})
	push, err := up.Context.Socket(zmq.Push, zmq.SocketOptions{SendTimeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer push.Close()
	if err := push.Connect("inproc://bound"); err != nil {
		t.Fatal(err)
	}
	send(t, push, `{"kind":"arm"}`)
	expect(t, up, s, `{"kind":"arm"}`)
}

func TestTrigger_CountsItsStepsInEachMapping(t *testing.T) {
	up := quiet()
	s := open(t, up, Settings{Source: "software_trigger", Trigger: &Trigger{Typ: "T", Frames: []string{"{n} {event} {{n}} {x}", "é"}}})
	if s.Typ() != "T" {
		t.Error(s.Typ())
	}
	step := func(event uint64, want string) {
		t.Helper()
		m, err := s.(Triggered).Step(event)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%s", parts(up, m)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	step(0, "[0 0 {0} {x} é]")
	step(5, "[1 5 {1} {x} é]")
	step(6, "[2 6 {2} {x} é]")
	step(0, "[0 0 {0} {x} é]") // events of one mapping rise: this is the next
	s.(Restarter).Restart()
	step(9, "[0 9 {0} {x} é]")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	step(11, "[0 11 {0} {x} é]")
}
