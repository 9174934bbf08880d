package pickle

import "unicode/utf8"

// call does the instructions by which Python would import and call.
func (r *reader) call(op byte) {
	switch op {
	case 'c': // GLOBAL
		module, name := r.line(), r.line()
		r.global(string(module), string(name))
	case 0x93: // STACK_GLOBAL
		name, isName := r.pop().(string)
		module, isModule := r.pop().(string)
		if !isName || !isModule {
			r.fail(reasonGlobal)
			return
		}
		r.global(module, name)
	case 'i': // INST
		module, name := r.line(), r.line()
		args := r.items()
		r.made(&Global{string(module), string(name)}, tuple(args))
	case 'o': // OBJ
		items := r.items()
		if len(items) == 0 {
			r.fail(reasonStack)
			return
		}
		r.made(items[0], tuple(items[1:]))
	case 'R', 0x81: // REDUCE, NEWOBJ
		args := r.pop()
		callable := r.pop()
		r.made(callable, args)
	case 0x92: // NEWOBJ_EX
		r.pop() // keyword arguments
		args := r.pop()
		callable := r.pop()
		r.made(callable, args)
	case 'b': // BUILD: state for what was made
		state := r.pop()
		if o, ok := r.top().(*Opaque); ok {
			o.State = state
		}
	default:
		r.fail(reasonOpcode)
	}
}

func (r *reader) global(module, name string) {
	if module == "" || name == "" || !utf8.ValidString(module) || !utf8.ValidString(name) {
		r.fail(reasonGlobal)
		return
	}
	r.push(&Global{module, name})
}

// made pushes what a call gives: a plain value where it is certain, else a marker.
func (r *reader) made(callable, args any) {
	t, ok := args.(*Tuple)
	if !ok {
		r.fail(reasonCall)
		return
	}
	switch c := callable.(type) {
	case *Global:
		r.push(r.known(c, t))
	case *Opaque:
		r.push(&Opaque{Callable: c, Args: t})
	default:
		r.fail(reasonCall)
	}
}

// known makes the plain values that have no instruction of their own.
func (r *reader) known(g *Global, args *Tuple) any {
	switch {
	case g.is("OrderedDict", "collections"), g.is("dict", "builtins", "__builtin__"):
		if len(args.Items) == 0 {
			return &Dict{}
		}
		if len(args.Items) == 1 {
			return r.dictOf(args.Items[0])
		}
	case g.is("defaultdict", "collections"):
		if len(args.Items) <= 1 { // the factory
			return &Dict{}
		}
	case g.is("encode", "_codecs"):
		if len(args.Items) == 2 {
			s, isText := args.Items[0].(string)
			encoding, _ := args.Items[1].(string)
			if r.left -= len(s) / 16; r.left < 0 { // the same text may be encoded again and again
				r.fail(reasonObjects)
				return nil
			}
			if b, ok := latin1(s); isText && ok && (encoding == "latin1" || encoding == "latin-1") {
				return b
			}
		}
	}
	return &Opaque{Callable: g, Args: args}
}

// dictOf is a dict from what its constructor may be given: a dict, or a list of
// pairs.
func (r *reader) dictOf(from any) *Dict {
	d := &Dict{}
	switch from := from.(type) {
	case *Dict:
		if r.left -= len(from.Keys); r.left < 0 { // copies are work that no byte pays for
			r.fail(reasonObjects)
			return d
		}
		d.Keys = append(d.Keys, from.Keys...)
		d.Values = append(d.Values, from.Values...)
		return d
	case *List:
		if r.left -= len(from.Items); r.left < 0 {
			r.fail(reasonObjects)
			return d
		}
		for _, item := range from.Items {
			pair := itemsOf(item)
			if len(pair) != 2 || !hashable(pair[0]) {
				r.fail(reasonPairs)
				return d
			}
			d.set(pair[0], pair[1])
		}
		return d
	}
	r.fail(reasonPairs)
	return d
}

func itemsOf(v any) []any {
	switch v := v.(type) {
	case *List:
		return v.Items
	case *Tuple:
		return v.Items
	}
	return nil
}

// latin1 turns characters below 256 into the bytes of their numbers.
func latin1(s string) (Bytes, bool) {
	b := make(Bytes, 0, len(s))
	for _, c := range s {
		if c > 0xff {
			return nil, false
		}
		b = append(b, byte(c))
	}
	return b, true
}
