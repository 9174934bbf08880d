package directory

import (
	"errors"
	"strings"
	"sync"

	"github.com/fsnotify/fsnotify"
	"github.com/sirupsen/logrus"
	"golang.org/x/sys/unix"
)

// watches asks the kernel to tell what happens in folders. What it can not tell the
// scans find; so nothing here is an error.
type watches struct {
	log logrus.FieldLogger

	mu       sync.Mutex
	watcher  *fsnotify.Watcher   // nil: the kernel gives none
	folders  map[string]struct{} // watched
	refusals map[string]bool     // said
}

func newWatches(log logrus.FieldLogger) *watches {
	w := &watches{log: log, folders: map[string]struct{}{}, refusals: map[string]bool{}}
	// Room for what arrives while the source asks the ledger.
	const room = 4096
	watcher, err := fsnotify.NewBufferedWatcher(room)
	if err != nil {
		w.refused(err)
		return w
	}
	w.watcher = watcher
	return w
}

// close ends all; what is open in events and errors is dropped.
func (w *watches) close() {
	if w.watcher == nil {
		return
	}
	if err := w.watcher.Close(); err != nil {
		w.log.WithError(err).Debug("Watches not closed")
	}
}

func (w *watches) events() <-chan fsnotify.Event {
	if w.watcher == nil {
		return nil
	}
	return w.watcher.Events
}

func (w *watches) errors() <-chan error {
	if w.watcher == nil {
		return nil
	}
	return w.watcher.Errors
}

// add watches a folder; one that is watched is watched on.
func (w *watches) add(folder string) {
	if w.watcher == nil {
		return
	}
	if err := w.watcher.Add(folder); err != nil {
		w.refused(err)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.folders[folder] = struct{}{}
}

// gone ends the watch of a folder that was removed or, with those below it, moved
// away: they would tell of files by names that are not true any more.
func (w *watches) gone(folder string, moved bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, watched := w.folders[folder]; !watched {
		return
	}
	w.end(folder)
	if !moved {
		return // what was below it was removed before it
	}
	for path := range w.folders {
		if strings.HasPrefix(path, folder+"/") {
			w.end(path)
		}
	}
}

func (w *watches) end(folder string) {
	delete(w.folders, folder)
	if err := w.watcher.Remove(folder); err != nil {
		w.log.WithField("folder", folder).WithError(err).Debug("The kernel had ended the watch")
	}
}

// refused says once what the kernel does not give.
func (w *watches) refused(err error) {
	hint := ""
	switch {
	case errors.Is(err, unix.ENOSPC):
		hint = "; raise fs.inotify.max_user_watches, one is needed for each folder"
	case errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE):
		hint = "; raise fs.inotify.max_user_instances or the limit of open files"
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.EACCES), errors.Is(err, fsnotify.ErrClosed):
		return // whoever reads the folder says so
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refusals[err.Error()] {
		return
	}
	w.refusals[err.Error()] = true
	w.log.WithError(err).Warn("The kernel does not tell of all new files; the others are found by the scans" + hint)
}
