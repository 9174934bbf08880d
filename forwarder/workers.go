package forwarder

import (
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"ingestor/forwarder/control"
	"ingestor/internal/zmq"
)

// seenFor is how long after its last ping a worker counts as connected. It pings
// every two seconds.
const seenFor = 4 * time.Second

// workers knows the workers: by what they ping, and by what is assigned to them.
// The maps may be read from everywhere, with the lock.
type workers struct {
	outlet   func() (*zmq.Outlet, error)
	mu       sync.Mutex
	byName   map[string]*worker
	pinged   map[uuid.UUID]control.Worker
	appeared chan struct{}
}

func newWorkers(outlet func() (*zmq.Outlet, error)) *workers {
	return &workers{outlet: outlet, byName: map[string]*worker{}, pinged: map[uuid.UUID]control.Worker{}, appeared: make(chan struct{}, 1)}
}

// get gives the worker of a name, which nobody may have seen yet.
func (ws *workers) get(name string) (*worker, error) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	w := ws.byName[name]
	if w != nil {
		return w, nil
	}
	outlet, err := ws.outlet()
	if err != nil {
		return nil, err
	}
	w = &worker{name: name, identity: []byte(name), outlet: outlet}
	ws.byName[name] = w
	return w, nil
}

// ping notes that a worker is there, and says whether that is new. A ping is the
// worker's name, which ROUTER puts in front, and the 16 bytes of its version 4 uuid;
// ok is false for anything else.
func (ws *workers) ping(m *zmq.Message, now time.Time) (fresh, ok bool) {
	if m.Parts() != 2 {
		return false, false
	}
	name := m.First()
	id, err := uuid.FromBytes(m.Part(1))
	if err != nil || id.Version() != 4 || id.Variant() != uuid.RFC4122 || len(name) == 0 ||
		slices.ContainsFunc(name, func(c byte) bool { return c < ' ' || c > '~' }) {
		return false, false
	}
	ws.mu.Lock()
	defer ws.mu.Unlock()
	known, there := ws.pinged[id]
	fresh = !there || now.Sub(known.LastSeen) > seenFor || known.Name != string(name)
	if fresh {
		known = control.Worker{Name: string(name), UUID: id}
		select {
		case ws.appeared <- struct{}{}:
		default:
		}
	}
	known.LastSeen = now
	ws.pinged[id] = known
	return fresh, true
}

// connected lists those that pinged of late, and forgets the others.
func (ws *workers) connected(now time.Time) []control.Worker {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	var list []control.Worker
	for id, w := range ws.pinged {
		if now.Sub(w.LastSeen) > seenFor {
			delete(ws.pinged, id)
			continue
		}
		list = append(list, w)
	}
	slices.SortFunc(list, func(a, b control.Worker) int { return slices.Compare([]byte(a.Name), []byte(b.Name)) })
	return list
}

// all lists every worker there ever was, by name.
func (ws *workers) all() []*worker {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	list := make([]*worker, 0, len(ws.byName))
	for _, w := range ws.byName {
		list = append(list, w)
	}
	slices.SortFunc(list, func(a, b *worker) int { return slices.Compare(a.identity, b.identity) })
	return list
}
