package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"ingestor/internal/kafka"
	"ingestor/internal/kafka/embedded"
	"ingestor/internal/nexus/nexustest"
	"ingestor/schemas/filewriter"
)

const topic = "filewriter"

// options are the flags.
type options struct {
	bin, file, schemas, result string
}

// demo is what the steps share.
type demo struct {
	options
	out       io.Writer
	step      int
	catalogue *catalogue
	broker    *embedded.Broker
	producer  *kafka.Producer
	daemon    *daemon
}

// run does all steps and cleans up after itself, whatever happens.
func run(ctx context.Context, o options, out io.Writer) (err error) {
	d := &demo{options: o, out: out}
	for _, path := range []*string{&d.bin, &d.file, &d.schemas, &d.result} {
		if *path == "" {
			continue
		}
		if *path, err = filepath.Abs(*path); err != nil {
			return err
		}
	}
	unlock, err := d.freshResult()
	if err != nil {
		return err
	}
	defer unlock()
	defer func() { err = errors.Join(err, d.close()) }()
	for _, step := range []func(context.Context) error{
		d.startCatalogue, d.startBroker, d.writeFile, d.startDaemon,
		d.announce, d.announceAgain, d.announceBroken, d.stopDaemon,
	} {
		if err := step(ctx); err != nil {
			return errors.Join(err, d.daemonLog())
		}
	}
	return d.keep(ctx)
}

// say prints a numbered step.
func (d *demo) say(what, format string, args ...any) {
	d.step++
	fmt.Fprintf(d.out, "%2d  %-16s %s\n", d.step, what, fmt.Sprintf(format, args...))
}

// freshResult empties the folder for the result and keeps other demos out of it.
func (d *demo) freshResult() (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Join(d.result, "raw"), 0o755); err != nil {
		return nil, fmt.Errorf("make the folder for the result: %w", err)
	}
	lock, err := os.Open(d.result)
	if err != nil {
		return nil, fmt.Errorf("lock the folder for the result: %w", err)
	}
	unlock = func() { _ = lock.Close() } // which also unlocks
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		unlock()
		return nil, fmt.Errorf("another demo uses %s: wait for it, or give another folder with -result", d.result)
	}
	for _, name := range []string{"raw", "ingestor", "state", "dataset.html", "dataset.json", "daemon.log", "ingestor.yml"} {
		if err := os.RemoveAll(filepath.Join(d.result, name)); err != nil {
			unlock()
			return nil, fmt.Errorf("clear the result of an earlier demo: %w", err)
		}
	}
	if err := os.Mkdir(filepath.Join(d.result, "raw"), 0o755); err != nil {
		unlock()
		return nil, fmt.Errorf("make the folder for the result: %w", err)
	}
	return unlock, nil
}

func (d *demo) startCatalogue(ctx context.Context) (err error) {
	if d.catalogue, err = startCatalogue(ctx); err != nil {
		return err
	}
	d.say("Catalogue", "SciCat's API, in memory: %s", d.catalogue.url())
	return nil
}

func (d *demo) startBroker(context.Context) (err error) {
	if d.broker, err = embedded.Start(embedded.Options{Topics: []string{topic}, Partitions: 2}); err != nil {
		return err
	}
	d.producer, err = kafka.NewProducer(kafka.ProducerOptions{
		Properties: map[string]string{"bootstrap.servers": d.broker.Address()},
	})
	if err != nil {
		return err
	}
	d.say("Kafka", "embedded broker on %s, topic %s", d.broker.Address(), topic)
	return nil
}

// writeFile writes a measurement, unless the user brings one.
func (d *demo) writeFile(context.Context) error {
	if d.file != "" {
		d.say("Measurement", "yours: %s", d.file)
		return nil
	}
	d.file = filepath.Join(d.result, "raw", "demo_31010.hdf")
	if err := nexustest.Write(d.file, nexustest.Run(nexustest.RunInfo{})); err != nil {
		return err
	}
	info, err := os.Stat(d.file)
	if err != nil {
		return err
	}
	d.say("Measurement", "a NeXus/HDF5 file of %d bytes: %s", info.Size(), d.file)
	return nil
}

func (d *demo) startDaemon(ctx context.Context) (err error) {
	start := time.Now()
	if d.daemon, err = startDaemon(ctx, d); err != nil {
		return err
	}
	d.say("Daemon", "online-ingestor, process %d, ready after %s", d.daemon.pid(), since(start))
	return nil
}

// announce says on Kafka that the file is complete and waits for its dataset.
func (d *demo) announce(ctx context.Context) error {
	start := time.Now()
	if err := d.publish(ctx, d.file); err != nil {
		return err
	}
	d.say("File writer", "says on Kafka that the file is complete (wrdn message)")
	line, err := d.daemon.waitOutcomes(ctx, 1)
	if err != nil {
		return err
	}
	if line.Outcome != "registered" {
		return fmt.Errorf("the file was not registered but ended as %q: %s", line.Outcome, line.reason())
	}
	d.say("Registered", "after %s: %s", since(start), line.PID)
	return show(d.out, d.catalogue.server, line.PID)
}

// announceAgain repeats the message: once is enough.
func (d *demo) announceAgain(ctx context.Context) error {
	if err := d.publish(ctx, d.file); err != nil {
		return err
	}
	line, err := d.daemon.waitOutcomes(ctx, 2)
	if err != nil {
		return err
	}
	d.say("Once more", "the same message again ends as %q: the catalogue holds %d dataset, %d datablock",
		line.Outcome, len(d.catalogue.server.Datasets()), len(d.catalogue.server.Datablocks("")))
	return nil
}

// announceBroken sends a file that is none, to show what an operator reads.
func (d *demo) announceBroken(ctx context.Context) error {
	broken := filepath.Join(d.result, "raw", "broken.hdf")
	if err := os.WriteFile(broken, []byte("not a measurement\n"), 0o644); err != nil {
		return err
	}
	if err := d.publish(ctx, broken); err != nil {
		return err
	}
	line, err := d.daemon.waitOutcomes(ctx, 3)
	if err != nil {
		return err
	}
	d.say("A broken file", "ends as %q, with the reason:\n    %s", line.Outcome, line.reason())
	return nil
}

func (d *demo) stopDaemon(ctx context.Context) error {
	start := time.Now()
	summary, err := d.daemon.stop(ctx)
	if err != nil {
		return err
	}
	d.say("Stop", "drained, committed and gone with exit status 0 after %s", since(start))
	fmt.Fprintf(d.out, "    %s\n", summary)
	return nil
}

func (d *demo) publish(ctx context.Context, file string) error {
	message := filewriter.WritingDone{
		ServiceID: "demo-filewriter", JobID: "7d4b2c1e-5a0f-4f7b-9a54-2f6f0e9c3d10", FileName: file,
		Metadata: "{}", Message: "File writing completed",
	}
	if _, err := d.producer.Produce(ctx, topic, nil, message.Encode(), nil); err != nil {
		return fmt.Errorf("send the message: %w", err)
	}
	return nil
}

// keep writes what is worth a look afterwards.
func (d *demo) keep(ctx context.Context) error {
	if err := d.catalogue.save(ctx, d.result); err != nil {
		return err
	}
	fmt.Fprintf(d.out, `
To look at, in %s:
    dataset.html   the dataset as a page         dataset.json   the same as the catalogue gives it
    ingestor.yml   the configuration             daemon.log     what the daemon said
`, d.result)
	return nil
}

// close ends everything that is still running.
func (d *demo) close() error {
	var errs []error
	if d.daemon != nil {
		errs = append(errs, d.daemon.kill())
	}
	if d.producer != nil {
		errs = append(errs, d.producer.Close())
	}
	if d.broker != nil {
		d.broker.Close()
	}
	if d.catalogue != nil {
		errs = append(errs, d.catalogue.close())
	}
	return errors.Join(errs...)
}

func since(start time.Time) string { return time.Since(start).Round(time.Millisecond).String() }
