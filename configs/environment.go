package configs

import "slices"

// environment applies the variables. A variable that is near to one of ours is worth
// a warning; others of the same prefix belong to somebody else.
func (l *loader) environment(variables map[string]string) {
	if len(variables) == 0 {
		return
	}
	byName := make(map[string]key, len(l.keys))
	for _, k := range l.keys {
		byName[k.environment()] = k
	}
	names := make([]string, 0, len(variables))
	for name := range variables {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if name == credentialsDirectory {
			continue
		}
		k, known := byName[name]
		if !known {
			l.strange(name, byName)
			continue
		}
		if err := k.value.set(variables[name]); err != nil {
			l.fault(name, k, variables[name], err)
			continue
		}
		l.given(k.path, byEnvironment, name)
	}
}

// strange handles a variable that sets nothing.
func (l *loader) strange(name string, byName map[string]key) {
	known := make([]string, 0, len(byName))
	for n := range byName {
		known = append(known, n)
	}
	slices.Sort(known)
	near := nearest(name, known)
	if near != "" && distance(name, near, 3) <= 3 {
		l.unknown = append(l.unknown, Problem{Place: name, Reason: "unknown environment variable", Nearest: near})
	}
}
