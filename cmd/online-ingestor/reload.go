package main

import (
	"context"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/sirupsen/logrus"

	"ingestor/configs"
	"ingestor/internal/telemetry"
)

// reloader reads the configuration again when SIGHUP asks for it. The log level
// changes at once; children read file and schemas at their start anyway; of all
// else it says that it needs a restart.
type reloader struct {
	running  *configs.Loaded // at the start
	last     *configs.Loaded // of the last reload
	load     func() (*configs.Loaded, error)
	notifier *telemetry.Notifier
	log      *logrus.Logger
	signals  chan os.Signal
}

// newReloader takes SIGHUP from now on, which would end the process otherwise; Run
// acts on it.
func newReloader(running *configs.Loaded, load func() (*configs.Loaded, error), n *telemetry.Notifier, log *logrus.Logger) *reloader {
	r := &reloader{running: running, last: running, load: load, notifier: n, log: log, signals: make(chan os.Signal, 1)}
	signal.Notify(r.signals, syscall.SIGHUP)
	return r
}

// Run acts on each signal until ctx ends; later ones do nothing.
func (r *reloader) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-r.signals:
			r.reload(ctx)
		}
	}
}

// reload does it once, and tells the service manager when it begins and ends.
func (r *reloader) reload(ctx context.Context) {
	began := r.notifier.Reloading()
	r.read(ctx)
	if err := r.notifier.Reloaded(); began == nil {
		began = err
	}
	if began != nil {
		r.log.WithError(began).Warn("The service manager is not told of the reload")
	}
}

func (r *reloader) read(ctx context.Context) {
	loaded, err := r.load()
	if err != nil {
		r.log.WithField("error", oneLine(err.Error())).
			Error("Configuration not reloaded, going on with the one before; mend it soon: children read it, too")
		return
	}
	for _, w := range loaded.Warnings {
		r.log.Warn(w)
	}
	level, err := telemetry.ParseLevel(loaded.Config.Logging.LoggingLevel)
	if err != nil { // the configuration has checked it
		r.log.WithError(err).Error("Log level not changed")
		return
	}
	// At the less quiet of both levels: that it quietens down can be seen.
	r.log.SetLevel(max(level, r.log.GetLevel()))
	entry := r.log.WithFields(logrus.Fields{"config": loaded.Path, "level": strings.ToUpper(loaded.Config.Logging.LoggingLevel)})
	if children, _ := sortChanges(configs.Changed(&r.last.Config, &loaded.Config)); len(children) > 0 {
		entry = entry.WithField("from_the_next_file", strings.Join(children, " "))
	}
	entry.Info("Configuration reloaded")
	if _, restart := sortChanges(configs.Changed(&r.running.Config, &loaded.Config)); len(restart) > 0 {
		r.log.WithField("keys", strings.Join(restart, " ")).Warn("These changes need a restart of the daemon")
	}
	r.last = loaded
	r.schemas(ctx, &loaded.Config)
	r.log.SetLevel(level)
}

// sortChanges tells apart what children alone read, which therefore holds from the
// next file on, and what the daemon has taken in at its start.
func sortChanges(keys []string) (children, restart []string) {
	for _, k := range keys {
		switch section, _, _ := strings.Cut(k, "."); {
		case k == "logging.logging_level", slices.Contains([]string{"forwarder", "backfill"}, section):
		case slices.ContainsFunc(childKeys(), func(prefix string) bool { return strings.HasPrefix(k, prefix) }):
			children = append(children, k)
		default:
			restart = append(restart, k)
		}
	}
	return children, restart
}

// childKeys begin the keys that the daemon itself does not read.
func childKeys() []string {
	return []string{
		"id", "dataset.", "ingestion.schemas_directory", "ingestion.fallback_schema_file_path", "ingestion.check_if_",
		"ingestion.file_handling.compute_", "ingestion.file_handling.save_", "ingestion.file_handling.hash_",
		"ingestion.file_handling.file_", "ingestion.file_handling.data_file_",
	}
}
