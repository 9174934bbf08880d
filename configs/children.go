package configs

import (
	"encoding/json"
	"slices"
)

// ChildArguments are the overrides of this process that a child needs to see the same
// configuration (D39): args as --flag=value, env as NAME=value for secrets, which do
// not belong on a command line. What came by environment variables is not repeated:
// children inherit the environment.
func (l *Loaded) ChildArguments() (args, env []string) {
	for _, f := range l.flags {
		k := f.key
		switch {
		case k.onlyFlag || k.online:
		case k.value.secret():
			env = append(env, k.environment()+"="+secretText(f))
		case k.value.kind() == "bool":
			args = append(args, boolFlag(k))
		default:
			for _, raw := range f.raw {
				args = append(args, "--"+k.flag()+"="+raw)
			}
		}
	}
	slices.Sort(env)
	return args, env
}

// boolFlag is the short form where that says the same: the peer's executable, which
// may be the child, knows no other.
func boolFlag(k key) string {
	if k.value.text() == "true" {
		return "--" + k.flag()
	}
	return "--" + k.flag() + "=false"
}

// secretText is what the environment has to hold, so that it reads back the same.
func secretText(f *flagValue) string {
	m, several := f.key.value.(mapping)
	if !several {
		return f.raw[len(f.raw)-1]
	}
	out, err := json.Marshal(*m.target)
	if err != nil { // a map of texts always encodes
		return ""
	}
	return string(out)
}
