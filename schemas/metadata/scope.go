package metadata

import (
	"strings"

	"ingestor/schemas/metadata/pyvalue"
)

// binding is the value of a name, and its unit.
type binding struct {
	value pyvalue.Value
	unit  string
}

// slot is a name in the order of the peer's registry: a variable that bears
// the name of a built-in one takes its place.
type slot struct {
	name    string
	token   string
	builtIn *binding
	// definition is the position of the variable in the schema, -1 for none.
	definition int
}

// registry knows every name and what it is bound to so far.
type registry struct {
	slots []slot
	index map[string]int
	// bound and settled are by the position of the variable: a failed one is
	// settled, but not bound.
	bound   []*binding
	settled []bool
}

func newRegistry(builtIns []Variable, definitions []Definition) *registry {
	r := &registry{index: map[string]int{}, bound: make([]*binding, len(definitions)), settled: make([]bool, len(definitions))}
	for _, v := range builtIns {
		r.slot(v.Name).builtIn = &binding{value: v.value}
	}
	for i, d := range definitions {
		r.slot(d.Name).definition = i
	}
	return r
}

func (r *registry) slot(name string) *slot {
	i, ok := r.index[name]
	if !ok {
		i = len(r.slots)
		r.index[name] = i
		r.slots = append(r.slots, slot{name: name, token: "<" + name + ">", definition: -1})
	}
	return &r.slots[i]
}

func (r *registry) settle(definition int, b *binding) {
	r.bound[definition], r.settled[definition] = b, true
}

// scope is what the variable at a position sees: the built-in variables and
// those above it.
type scope struct {
	registry *registry
	position int
}

// bindingOf is what the scope sees in a slot, nil for nothing.
func (s scope) bindingOf(at *slot) *binding {
	if at.definition >= 0 && at.definition < s.position {
		if b := s.registry.bound[at.definition]; b != nil {
			return b
		}
	}
	return at.builtIn
}

func (s scope) lookup(name string) *binding {
	i, ok := s.registry.index[name]
	if !ok {
		return nil
	}
	return s.bindingOf(&s.registry.slots[i])
}

// ready says that what the templates say can not change any more: no variable
// above that is still being looked up has a part in it.
func (s scope) ready(templates []string) bool {
	open := false
	for i := range s.position {
		open = open || !s.registry.settled[i]
	}
	if !open {
		return true
	}
	for i := range s.registry.slots {
		at := &s.registry.slots[i]
		unsettled := at.definition >= 0 && at.definition < s.position && !s.registry.settled[at.definition]
		for _, template := range templates {
			if !strings.Contains(template, at.token) {
				continue
			}
			if unsettled {
				return false
			}
			// A value that looks like a template may name a variable itself.
			if b := s.bindingOf(at); b != nil && strings.Contains(pyvalue.Text(b.value), "<") {
				return false
			}
		}
	}
	return true
}
