package source

import (
	"math"
	"math/big"
	"unicode/utf8"

	"ingestor/internal/pickle"
	"ingestor/internal/zmq"
)

// newContrast is Contrast, whose messages are Python pickles of a dict. They go on as
// they are; what they would have Python execute is not looked at.
func newContrast(s Settings) (Source, error) {
	return newSub(s, "contrast", verbatim(func() judge { return contrast{} }))
}

type contrast struct{}

func (contrast) judge(m *zmq.Message) verdict {
	v, err := pickle.Load(m.First(), pickle.Limits{})
	if err != nil {
		return verdict{kind: invalid, reason: Invalid, why: err.Error()}
	}
	d, ok := v.(*pickle.Dict)
	if !ok {
		return verdict{kind: invalid, reason: Invalid, why: "it is no dict"}
	}
	k := status(d)
	if k == invalid {
		return verdict{kind: invalid, reason: Invalid, why: "its fields are those of no message of this protocol"}
	}
	return verdict{kind: k}
}

// status tells the kind of a message by its status or, without one, by the fields
// that it has.
func status(d *pickle.Dict) kind {
	name, given := d.Text("status")
	said, _ := text(name)
	if said == "heartbeat" {
		return other
	}
	switch {
	case !d.OnlyText():
		return invalid
	case scan(d) && (!given || said == "started"):
		return start
	case scan(d) && said == "finished":
		return end
	}
	if dt, ok := d.Text("dt"); ok && pickledFloat(dt) && (!given || said == "running") {
		return data
	}
	return invalid
}

// scan says whether the fields of a start and an end are there.
func scan(d *pickle.Dict) bool {
	path, p := d.Text("path")
	number, n := d.Text("scannr")
	description, t := d.Text("description")
	return p && n && t && pickledText(path) && pickledInt(number) && pickledText(description)
}

func pickledText(v any) bool {
	if b, ok := v.(pickle.Bytes); ok {
		return utf8.Valid(b)
	}
	_, ok := text(v)
	return ok
}

// text reads Python's str and its kin of numpy's.
func text(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case *pickle.Opaque:
		return numpyText(v)
	}
	return "", false
}

func pickledInt(v any) bool {
	switch v := v.(type) {
	case bool, int64, *big.Int:
		return true
	case float64:
		_, ok := intOfFloat(v)
		return ok
	case string:
		_, ok := intOfText([]byte(v))
		return ok
	case pickle.Bytes:
		_, ok := intOfText(v)
		return ok
	case *pickle.Opaque:
		if f, ok := numpyScalar(v); ok {
			_, ok = intOfFloat(f)
			return ok
		}
	}
	return false
}

func pickledFloat(v any) bool {
	switch v := v.(type) {
	case bool, int64, float64:
		return true
	case *big.Int:
		f, _ := new(big.Float).SetInt(v).Float64()
		return !math.IsInf(f, 0)
	case string:
		_, ok := floatOfText([]byte(v))
		return ok
	case pickle.Bytes:
		_, ok := floatOfText(v)
		return ok
	case *pickle.Opaque:
		if _, ok := numpyScalar(v); ok {
			return true
		}
		return numpySingle(v)
	}
	return false
}
