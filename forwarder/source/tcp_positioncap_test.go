package source

import (
	"strings"
	"testing"
	"time"
)

const pandaHeader = "arm_time: 2024-10-07T08:49:10.627000Z\nfields:\n A double Value\n\n"

// ending waits for the error with which a source ends.
func ending(t *testing.T, s Source) error {
	t.Helper()
	for limit := time.Now().Add(time.Minute); time.Now().Before(limit); time.Sleep(time.Millisecond) {
		if m, err := s.Next(); err != nil {
			if m != nil {
				t.Fatal("an event and an error")
			}
			return err
		} else if m != nil {
			t.Fatalf("another event: %q", m.First())
		}
	}
	t.Fatal("no error within a minute")
	return nil
}

func TestPositionCap_SeveralSeriesComeByOneConnection(t *testing.T) {
	up := quiet()
	s := open(t, up, Settings{Source: "tcp_positioncap", URL: panda(t, "OK\nnoise\n"+pandaHeader+" 1 2\nEND 1 Ok\nnoise\n"+pandaHeader+" 3\nEND 1 Disarmed\n")})
	expect(t, up, s, pandaHeader, " 1 2\n", "END 1 Ok\n", pandaHeader, " 3\n", "END 1 Disarmed\n")
	if err := ending(t, s); !strings.Contains(err.Error(), "after 2 series") {
		t.Error(err)
	}
	if n := up.Count.Discarded(NoStart); n != 2 {
		t.Errorf("%d lines dropped", n)
	}
}

func TestPositionCap_ARefusedConnectionIsTriedAgain(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	address := l.Addr().String()
	_ = l.Close()
	up := quiet()
	s := open(t, up, Settings{Source: "tcp_positioncap", URL: "tcp://" + address})
	silence(t, s)
	l = listen(t, address)
	defer l.Close()
	go func() {
		if c, err := l.Accept(); err == nil {
			_, _ = c.Write([]byte("OK\n" + pandaHeader))
		}
	}()
	expect(t, up, s, pandaHeader)
}

func TestPositionCap_AConnectionThatEndsBeforeTheStartIsMadeAnew(t *testing.T) {
	up := quiet()
	s := open(t, up, Settings{Source: "tcp_positioncap", URL: panda(t, "", "OK\nnoise\n", "OK\n"+pandaHeader+"END 0\n")})
	expect(t, up, s, pandaHeader, "END 0\n")
}

func TestPositionCap_AnEndInTheMiddleEndsTheStreamAndGivesNoEmptyFrames(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string
		why  string
	}{
		"between lines":        {"OK\n" + pandaHeader + " 1\n", []string{pandaHeader, " 1\n"}, "after 1 lines"},
		"in a line":            {"OK\n" + pandaHeader + " 1\n 2", []string{pandaHeader, " 1\n"}, "after 1 lines"},
		"in the header":        {"OK\narm_time: x\n a\n", nil, "in the header"},
		"a wrong greeting":     {"ERR who are you\n", nil, "answers the greeting"},
		"a line without end":   {"OK\n" + pandaHeader + strings.Repeat("x", lineBytes+100000), []string{pandaHeader}, "a line is longer"},
		"a header without end": {"OK\narm_time: x\n" + strings.Repeat("field\n", headerBytes/6+1), nil, "is longer than"},
	} {
		t.Run(name, func(t *testing.T) {
			up := quiet()
			s := open(t, up, Settings{Source: "tcp_positioncap", URL: panda(t, c.text)})
			expect(t, up, s, c.want...)
			if err := ending(t, s); !strings.Contains(err.Error(), c.why) {
				t.Errorf("%v, want %q", err, c.why)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if m, err := s.Next(); m != nil || err != nil { // the next mapping begins anew
				t.Errorf("after Close: %v, %v", m, err)
			}
		})
	}
}

func TestPositionCap_WhatIsNotAskedForIsBoundedAndComesWhenItIs(t *testing.T) {
	up := quiet()
	up.QueueBytes = 1000
	s := open(t, up, Settings{Source: "tcp_positioncap", URL: panda(t, "OK\n"+pandaHeader+strings.Repeat(" 1\n", 5000)+"END 5000\n")})
	expect(t, up, s, pandaHeader)
	time.Sleep(50 * time.Millisecond)
	q := s.(*positionCap).queue
	q.mu.Lock()
	if q.bytes > q.bound {
		t.Errorf("%d bytes wait", q.bytes)
	}
	q.mu.Unlock()
	for range 5000 {
		expect(t, up, s, " 1\n")
	}
	expect(t, up, s, "END 5000\n")
}

func TestPositionCap_CloseEndsAWaitForRoom(t *testing.T) {
	up := quiet()
	up.QueueBytes = 10
	s := open(t, up, Settings{Source: "tcp_positioncap", URL: panda(t, "OK\n"+pandaHeader+strings.Repeat(" 1\n", 5000))})
	expect(t, up, s, pandaHeader)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
