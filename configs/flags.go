package configs

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

const strictFlag = "strict-config"

// flagValue is a flag of one key. It checks each occurrence against a Config of its
// own and keeps the raw texts: Load applies them after file and environment.
type flagValue struct {
	key key
	raw []string
}

func (f *flagValue) String() string { return f.key.value.text() }
func (f *flagValue) Type() string   { return f.key.value.kind() }

func (f *flagValue) Set(text string) error {
	put := f.key.value.add
	if len(f.raw) == 0 {
		put = f.key.value.set
	}
	if err := put(text); err != nil {
		return err
	}
	f.raw = append(f.raw, text)
	return nil
}

// BindFlags adds a flag for every key that p has, and --strict-config.
func BindFlags(fs *pflag.FlagSet, p Program) {
	if p == Frames {
		bindByHand(fs)
	}
	c := new(Config)
	c.each(func(k key) {
		if p.has(k) {
			bindFlag(fs, k)
		}
	})
	fs.Bool(strictFlag, false, "Unknown configuration keys are errors, not warnings.")
}

func bindFlag(fs *pflag.FlagSet, k key) {
	// The default is shown by String; one that does not parse is found by Load and by a test.
	_ = k.value.set(k.standard)
	flag := fs.VarPF(&flagValue{key: k}, k.flag(), k.short, k.usage())
	if k.value.kind() == "bool" {
		flag.NoOptDefVal = "true"
	}
}

// usage is the help text of the flag.
func (k key) usage() string {
	if k.unit == "" {
		return k.doc
	}
	return fmt.Sprintf("%s In %s.", k.doc, k.unit)
}

// givenFlags are the flags of ours that occurred, in order of their names.
func givenFlags(fs *pflag.FlagSet) []*flagValue {
	if fs == nil {
		return nil
	}
	var given []*flagValue
	fs.Visit(func(f *pflag.Flag) {
		if v, ours := f.Value.(*flagValue); ours {
			given = append(given, v)
		}
	})
	return given
}

func strict(fs *pflag.FlagSet) bool {
	if fs == nil {
		return false
	}
	on, err := fs.GetBool(strictFlag)
	return err == nil && on
}

// FlagError turns what parsing fs said into a *UsageError of one line that names the
// nearest flag (D44) and shows no secret. nil stays nil.
func FlagError(fs *pflag.FlagSet, err error) error {
	if err == nil {
		return nil
	}
	var unknown *pflag.NotExistError
	var invalid *pflag.InvalidValueError
	reason := err.Error()
	switch {
	case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() == "":
		reason = unknownFlag(fs, unknown.GetSpecifiedName())
	case errors.As(err, &invalid):
		v, ours := invalid.GetFlag().Value.(*flagValue)
		hide := ours && v.key.value.secret()
		reason = fmt.Sprintf("--%s: %s %v", invalid.GetFlag().Name, shown(invalid.GetValue(), hide), invalid.Unwrap())
	}
	return &UsageError{Reason: reason, cause: err}
}

func unknownFlag(fs *pflag.FlagSet, name string) string {
	var known []string
	fs.VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
	elsewhere := ""
	new(Config).each(func(k key) {
		if k.flag() == name && !slices.Contains(known, name) {
			elsewhere = owners(k)
		}
	})
	near := nearest(name, known)
	switch {
	case elsewhere != "":
		return fmt.Sprintf("unknown flag --%s: only %s", name, elsewhere)
	case near != "":
		return fmt.Sprintf("unknown flag --%s; did you mean --%s?", name, near)
	default:
		return "unknown flag --" + name
	}
}

// Arguments rewrites `--list a b c`, which the peer's list flags take, to `--list a
// --list b --list c`. The words after such a flag could be positional arguments of a
// program that has some, so call it only where there are none: in the daemon, or next
// to --nexus-file.
func Arguments(fs *pflag.FlagSet, args []string) []string {
	out := make([]string, 0, len(args))
	for i := 0; i < len(args); i++ {
		out = append(out, args[i])
		if args[i] == "--" {
			return append(out, args[i+1:]...)
		}
		name, long := strings.CutPrefix(args[i], "--")
		f := fs.Lookup(name)
		if !long || f == nil || f.NoOptDefVal != "" {
			continue
		}
		v, ours := f.Value.(*flagValue)
		several := ours && slices.Contains([]string{"list", "durations", "command"}, v.key.value.kind())
		for n := 0; i+1 < len(args) && (n == 0 || several && !strings.HasPrefix(args[i+1], "-")); n++ {
			if n > 0 {
				out = append(out, "--"+name)
			}
			i++
			out = append(out, args[i])
		}
	}
	return out
}
