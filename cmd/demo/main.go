// Command demo shows the whole way of a measurement into the catalogue on one
// machine: a file is written, a message on Kafka says so, the real daemon runs
// the real offline ingestor, and the dataset is in the catalogue. Broker and
// catalogue run inside this program; nothing is left running.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	var o options
	flag.StringVar(&o.bin, "bin", "bin", "folder of the programs")
	flag.StringVar(&o.file, "file", "", "your own NeXus/HDF5 file; default: one that is written for the demo")
	flag.StringVar(&o.schemas, "schemas", "schemas/examples", "folder of metadata schemas")
	flag.StringVar(&o.result, "result", "bin/demo-result", "folder for what is to be looked at afterwards")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "demo: unexpected argument %q: give a file with -file\n", flag.Arg(0))
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	err := run(ctx, o, os.Stdout)
	cancel()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}
