package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ingestor/cmd/internal/program"
	"ingestor/cmd/internal/state"
	"ingestor/configs"
	"ingestor/internal/fault"
	"ingestor/internal/ledger"
)

// retryOptions is what the command line of a retry says.
type retryOptions struct {
	selection
	group            string
	list, here, json bool
}

func newRetry(stdout, stderr io.Writer) *cobra.Command {
	var o retryOptions
	c := program.Command(&cobra.Command{
		Use:   "retry -c config.yml --all | --job ID | --since TIME",
		Short: "Tries files again that the daemon has given up",
		Long: `Tries dead-lettered messages again, the oldest first. Where a daemon of this machine runs they
are handed to it, and it begins within seconds; otherwise they are ingested here, like files on a
command line. Mend what failed first: --list shows it.

It may be run again at any time, also beside a running daemon: nothing is registered twice, and
what waits already is not asked for twice. What fails again stays listed, with the new reason.
Messages that are malformed, or name no possible file, are not among them: they would fail for ever.

Run it as the daemon's user (or as root), with the daemon's configuration and state directory;
under systemd that is --ingestion.state-directory /var/lib/ingestor.

Exit status: 0 handed over, done, or nothing to retry; 2 wrong command line; 69 the ledger can not
be read or written; 75 another retry is under way; 78 wrong configuration, or no ledger there. What is
ingested here ends like an ingestion.`,
		Example: "  " + name + " retry -c /etc/ingestor/ingestor.yml --list\n" +
			"  " + name + " retry -c /etc/ingestor/ingestor.yml --since 12h",
		Args: program.NoArguments("messages are chosen by --all, --job ID or --since TIME; a file is ingested without the word retry"),
		RunE: func(c *cobra.Command, _ []string) error { return retry(c, o, stdout, stderr) },
	})
	configs.BindFlags(c.Flags(), configs.Offline)
	c.Flags().BoolVar(&o.all, "all", false, "Try all of them.")
	c.Flags().StringVar(&o.job, "job", "", "Try those of this job of the file writer.")
	c.Flags().StringVar(&o.since, "since", "", "Try those given up since: 12h, 2d (back from now), 2026-03-14, or 2026-03-14T09:30:00+01:00.")
	c.Flags().StringVar(&o.group, "group", "", "Those of the daemon with this kafka.group_id, where its command line overrules the configuration.")
	c.Flags().BoolVar(&o.list, "list", false, "Only show them, all unless some are chosen: when, job, position, attempts, file, reason.")
	c.Flags().BoolVar(&o.here, "here", false, "Ingest here or not at all: refuse while a daemon of this machine runs.")
	c.Flags().BoolVar(&o.json, "json", false, "Print each message, or each result, as one line of JSON.")
	useful := []string{"config-file", "all", "job", "since", "group", "list", "here", "json", "scicat.host", "ingestion.state-directory"}
	c.Flags().VisitAll(func(f *pflag.Flag) { f.Hidden = !slices.Contains(useful, f.Name) })
	c.Flags().Lookup("config-file").Annotations = map[string][]string{cobra.BashCompFilenameExt: yamlAndJSON}
	c.Flags().SortFlags = false
	return c
}

// retry does what the command line asks for.
func retry(c *cobra.Command, o retryOptions, stdout, stderr io.Writer) error {
	filter, err := o.filter(o.list)
	if err != nil {
		return err
	}
	// No catalogue and no schema is needed to look and to hand over.
	loaded, err := configs.Load(configs.Tool, c.Flags(), os.Environ())
	if err != nil {
		return program.Kind(err)
	}
	whose := state.Deployment(&loaded.Config)
	if o.group != "" {
		whose.Group = o.group
	}
	dir := loaded.Config.Ingestion.StateDirectory
	book, err := daemonsLedger(c, dir, whose)
	if err != nil {
		return err
	}
	defer func() { _ = book.Close() }() // what it was told is kept anyway
	list, err := book.DeadLettered(c.Context(), filter)
	if err != nil {
		return err
	}
	out := deadPrinter{stdout, o.json}
	if len(list) == 0 && !o.list {
		return nothing(c, o, book, out)
	}
	if o.list {
		if err := out.print(list); err != nil {
			return err
		}
		if err := out.say("%s%s in %s", messages(len(list), "dead-lettered "), o.words(), book.Path()); err != nil {
			return err
		}
		return others(c, book, out)
	}
	lock, err := ledger.LockRetries(ledger.RetryLockFile(dir, whose), name)
	var held *ledger.HeldError
	switch {
	case errors.As(err, &held):
		return handOver(c, o, filter, book, held, out)
	case errors.Is(err, fs.ErrPermission):
		return fault.Errorf(fault.NotPermitted, "%w; run this as the daemon's user, or as root", err)
	case err != nil:
		return err
	}
	defer func() { _ = lock.Release() }() // it ends with the process anyway
	return retryHere(c, o, list, book, stdout, stderr)
}

// daemonsLedger opens the ledger that is there: a new one would hold nothing to
// retry, and hide that the daemon keeps its own elsewhere.
func daemonsLedger(c *cobra.Command, dir string, whose ledger.Deployment) (*ledger.Ledger, error) {
	const which = "give the daemon's state directory with --ingestion.state-directory (under systemd /var/lib/ingestor)"
	if dir == "" {
		return nil, fault.Errorf(fault.BadConfiguration, "no state directory is configured: %s", which)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fault.Errorf(fault.BadConfiguration, "ingestion.state_directory: %w", err)
	}
	path := filepath.Join(dir, ledger.FileName)
	switch _, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fault.Errorf(fault.BadConfiguration, "there is no ledger %s, so no daemon keeps its own there: %s", path, which)
	case errors.Is(err, fs.ErrPermission):
		return nil, fault.Errorf(fault.NotPermitted, "look for the ledger: %w; run this as the daemon's user, or as root", err)
	case err != nil:
		return nil, fault.Errorf(fault.Unavailable, "look for the ledger: %w", err)
	}
	return state.Open(c.Context(), dir, whose)
}

// nothing says that there is nothing to do, and where there might be.
func nothing(c *cobra.Command, o retryOptions, book *ledger.Ledger, out deadPrinter) error {
	if err := out.say("Nothing to retry: no dead-lettered message%s in %s", o.words(), book.Path()); err != nil {
		return err
	}
	return others(c, book, out)
}

// others names the deployments that share the ledger, for somebody who expected
// to find their messages.
func others(c *cobra.Command, book *ledger.Ledger, out deadPrinter) error {
	list, err := book.Others(c.Context())
	if err != nil {
		return err
	}
	for _, d := range list {
		err := out.say("Not among them: %s of another daemon (--scicat.host %s --group %s)",
			messages(d.Messages, "dead-lettered "), printableText(d.Catalogue), printableText(d.Group))
		if err != nil {
			return err
		}
	}
	return nil
}

// handOver leaves the messages to the process that has the lock.
func handOver(c *cobra.Command, o retryOptions, f ledger.MessageFilter, book *ledger.Ledger, held *ledger.HeldError, out deadPrinter) error {
	switch {
	case held.Program == name:
		return fault.Errorf(fault.Busy, "another retry is under way, process %d: wait for its end", held.PID)
	case o.here:
		return fault.Errorf(fault.Busy, "not tried here: %w; leave out --here to hand them to the daemon, or stop it", held)
	}
	n, err := book.RequestRetry(c.Context(), f)
	if err != nil {
		return err
	}
	list, err := book.DeadLettered(c.Context(), f)
	if err != nil {
		return err
	}
	if o.json {
		return out.print(list)
	}
	return out.say("%s", handedOver(n, list, held.PID))
}

// handedOver says what was handed to the daemon, and what was not.
func handedOver(n int, list []ledger.MessageEntry, pid int) string {
	daemon := "the daemon"
	if pid != 0 {
		daemon += fmt.Sprintf(" (process %d)", pid)
	}
	var waiting, lost int
	for _, e := range list {
		switch {
		case !e.Kept:
			lost++
		case !e.Requested.IsZero():
			waiting++
		}
	}
	said := []string{fmt.Sprintf("%s handed to %s, which begins within seconds unless its intake is held.", messages(n, ""), daemon)}
	if waiting > n {
		said = append(said, fmt.Sprintf("Handed over earlier and still waiting: %s.", messages(waiting-n, "")))
	}
	if lost > 0 {
		said = append(said, fmt.Sprintf("Not handed over, as the content is not kept: %s; ingest the files by hand, --list names them.", messages(lost, "")))
	}
	return strings.Join(append(said, "What fails again stays in the list, with the new reason: "+name+" retry --list."), "\n")
}

// messages is a number of messages in words.
func messages(n int, what string) string {
	if n == 1 {
		return "1 " + what + "message"
	}
	return fmt.Sprintf("%d %smessages", n, what)
}
