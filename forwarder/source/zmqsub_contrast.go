package source

import (
	"encoding/binary"
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
	said, _ := name.(string)
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
	switch v := v.(type) {
	case string:
		return true
	case pickle.Bytes:
		return utf8.Valid(v)
	}
	return false
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
		_, ok := numpyScalar(v)
		return ok
	}
	return false
}

// numpyScalar reads a single number of numpy's, which the peers take for a number:
// scalar(dtype("f8"), bytes).
func numpyScalar(o *pickle.Opaque) (float64, bool) {
	args, ok := o.Args.(*pickle.Tuple)
	if !ok || len(args.Items) != 2 || !o.Is("scalar", "numpy.core.multiarray", "numpy._core.multiarray") {
		return 0, false
	}
	dtype, isDtype := args.Items[0].(*pickle.Opaque)
	b, isBytes := args.Items[1].(pickle.Bytes)
	if !isDtype || !isBytes || !dtype.Is("dtype", "numpy") {
		return 0, false
	}
	of, ok := dtype.Args.(*pickle.Tuple)
	if !ok || len(of.Items) == 0 || len(b) == 0 || len(b) > 8 {
		return 0, false
	}
	var wide [8]byte
	copy(wide[:], b)
	bits := binary.LittleEndian.Uint64(wide[:])
	unused := 64 - 8*len(b)
	switch code, _ := of.Items[0].(string); code {
	case "f8":
		return math.Float64frombits(bits), len(b) == 8
	case "f4":
		return float64(math.Float32frombits(uint32(bits))), len(b) == 4
	case "f2":
		return 0, len(b) == 2
	case "i1", "i2", "i4", "i8":
		return float64(int64(bits<<unused) >> unused), true
	case "u1", "u2", "u4", "u8", "b1":
		return float64(bits), true
	}
	return 0, false
}
