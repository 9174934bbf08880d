package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"ingestor/cmd/internal/program"
	"ingestor/forwarder/dump/replay"
	"ingestor/internal/fault"
)

func newReplayCommand() *cobra.Command {
	var o replay.Options
	var bind, connect, protocols []string
	c := program.Command(&cobra.Command{
		Use:   "replay FILE…",
		Short: "Sends a .cbors file again, as the upstream had sent it",
		Long: `Stands in for the detectors of a recorded scan, so that workers can be developed without a
beamline: what frame-forwarder (or the peers' ingesters) dumped is sent to a forwarder again. How a
stream is sent follows from its typ:

  push  a ZeroMQ PUSH that is bound    STINS, EIGER_LEGACY
  pub   a ZeroMQ PUB that is bound     contrast, xspress, PCAP, albaem, lecroy_9fwdWp6Rq7
  tcp   a server of lines              PCAP_RAW
  http  a client that posts            sardana

It waits until the forwarder has connected (which it does at the first event of a scan), and for a
forwarder that is slow: nothing is dropped. Several files go out together, by event number, as those
of the ingesters of one scan. Files may be compressed with gzip; - is standard input.

What the dumping ingester had dropped (broken packets, heartbeats) does not come back. Of a file
that ends in half a record the whole ones are sent.

Exit status: 0 everything was sent and taken; 2 wrong command line; 65 a file can not be read, is no
dump, or is cut off; 69 an address can not be used, or a server refuses; 130, 143 stopped by SIGINT,
SIGTERM.`,
		Example: "  " + name + ` replay --bind tcp://127.0.0.1:9999 scan-12.cbors
  ` + name + ` replay --bind eiger=tcp://*:9999 --bind panda=tcp://*:8889 --rate 100 eiger.cbors panda.cbors
  ` + name + ` replay --connect http://127.0.0.1:5002 --as-recorded --loop 0 sardana.cbors`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("replay needs a .cbors file, or - for standard input")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if err := replayOptions(&o, c, args, bind, connect, protocols); err != nil {
				return err
			}
			return runReplay(c.Context(), c.OutOrStdout(), c.ErrOrStderr(), o)
		},
		ValidArgsFunction: completeDumps,
	})
	f := c.Flags()
	f.StringArrayVar(&bind, "bind", nil, "Listen for the forwarder at `[STREAM=]URL`, the upstream URL it is configured with.")
	f.StringArrayVar(&connect, "connect", nil, "Post to the forwarder at `[STREAM=]URL`.")
	f.StringArrayVar(&o.Streams, "stream", nil, "Send only this stream; may be given several times.")
	f.StringArrayVar(&protocols, "protocol", nil, "Send a stream in this way, whatever its typ: `STREAM=`push, pub, tcp or http.")
	f.Float64Var(&o.Rate, "rate", 0, "Send so many events a second; 0 is as fast as they are taken.")
	f.BoolVar(&o.AsRecorded, "as-recorded", false, "Keep the times between the events.")
	f.IntVar(&o.Rounds, "loop", 1, "Send everything so many times; 0 is until stopped.")
	f.DurationVar(&o.Pause, "loop-pause", 0, "Wait so long between two rounds, in which the next scan begins.")
	f.IntVar(&o.Peers, "peers", 1, "Begin a ZeroMQ stream when so many connections are there.")
	f.SortFlags = false
	return c
}

// replayOptions completes the options by what the flags say in their own way.
func replayOptions(o *replay.Options, c *cobra.Command, files, bind, connect, protocols []string) error {
	o.Files = files
	o.Open = func(name string) (io.ReadCloser, error) { return openDump(name, c.InOrStdin()) }
	if slices.Contains(files, "-") && o.Rounds != 1 {
		return fault.Errorf(fault.Usage, "standard input can be sent once: --loop needs files")
	}
	o.Addresses, o.Protocols = map[string]string{}, map[string]replay.Protocol{}
	for _, a := range slices.Concat(bind, connect) {
		stream, address, named := strings.Cut(a, "=")
		if !named || strings.Contains(stream, "://") { // the = is the URL's own
			stream, address = "", a
		}
		if other, twice := o.Addresses[stream]; twice {
			return fault.Errorf(fault.Usage, "%s and %s are for the same stream: name it as in --bind STREAM=URL", other, address)
		}
		o.Addresses[stream] = address
	}
	for _, p := range protocols {
		stream, protocol, named := strings.Cut(p, "=")
		if !named {
			return fault.Errorf(fault.Usage, "--protocol %s names no stream: it looks like --protocol eiger=push", p)
		}
		o.Protocols[stream] = replay.Protocol(protocol)
	}
	return nil
}

// runReplay sends, shows on a terminal how far it is, and says what was sent.
func runReplay(ctx context.Context, stdout, stderr io.Writer, o replay.Options) error {
	p, err := replay.New(o)
	if err != nil {
		return err
	}
	start := time.Now()
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	tick := time.NewTicker(time.Second / 2)
	defer tick.Stop()
	show := isTerminal(stderr)
	for {
		select {
		case err := <-ended:
			if show {
				fmt.Fprintf(stderr, "\r\x1b[K")
			}
			if events, messages, bytes := p.Sent(); events > 0 || err == nil {
				took := time.Since(start).Seconds()
				fmt.Fprintf(stdout, "sent %d events, %d messages, %d bytes in %.3f s\n", events, messages, bytes, took)
			}
			return err
		case <-tick.C:
			if show {
				events, _, bytes := p.Sent()
				fmt.Fprintf(stderr, "\r\x1b[K%d events, %.1f MB sent", events, float64(bytes)/1e6)
			}
		}
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
