package source

import (
	"encoding/binary"
	"math"
	"strings"

	"ingestor/internal/pickle"
)

// numpyScalar reads a single number of numpy's, which the peers take for a number:
// scalar(dtype("f8"), bytes).
func numpyScalar(o *pickle.Opaque) (float64, bool) {
	args, ok := o.Args.(*pickle.Tuple)
	if !ok || len(args.Items) != 2 || !o.Is("scalar", "numpy.core.multiarray", "numpy._core.multiarray") {
		return 0, false
	}
	return numpyNumber(args.Items[0], args.Items[1])
}

// numpyNumber reads the bytes of one number of a type.
func numpyNumber(dtype, data any) (float64, bool) {
	code, ok := numpyType(dtype)
	b, isBytes := data.(pickle.Bytes)
	if !ok || !isBytes || len(b) == 0 || len(b) > 8 {
		return 0, false
	}
	var wide [8]byte
	copy(wide[:], b)
	bits := binary.LittleEndian.Uint64(wide[:])
	unused := 64 - 8*len(b)
	switch code {
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

// numpyType reads dtype("f8", …).
func numpyType(v any) (string, bool) {
	dtype, ok := v.(*pickle.Opaque)
	if !ok || !dtype.Is("dtype", "numpy") {
		return "", false
	}
	of, ok := dtype.Args.(*pickle.Tuple)
	if !ok || len(of.Items) == 0 {
		return "", false
	}
	code, ok := of.Items[0].(string)
	return code, ok
}

// numpySingle says whether o is an array without dimensions, a number in all but name.
// (An array of one dimension with one number is none to the peers.) Its state is (version, shape, dtype, order, bytes).
func numpySingle(o *pickle.Opaque) bool {
	state, ok := o.State.(*pickle.Tuple)
	if !ok || len(state.Items) != 5 || !o.Is("_reconstruct", "numpy.core.multiarray", "numpy._core.multiarray") {
		return false
	}
	shape, ok := state.Items[1].(*pickle.Tuple)
	if !ok {
		return false
	}
	if len(shape.Items) > 0 {
		return false
	}
	_, ok = numpyNumber(state.Items[2], state.Items[4])
	return ok
}

// numpyText reads a text of numpy's: scalar(dtype("U7"), UTF-32).
func numpyText(o *pickle.Opaque) (string, bool) {
	args, ok := o.Args.(*pickle.Tuple)
	if !ok || len(args.Items) != 2 || !o.Is("scalar", "numpy.core.multiarray", "numpy._core.multiarray") {
		return "", false
	}
	code, ok := numpyType(args.Items[0])
	b, isBytes := args.Items[1].(pickle.Bytes)
	if !ok || !isBytes || len(code) == 0 || code[0] != 'U' || len(b)%4 != 0 {
		return "", false
	}
	var t []rune
	for ; len(b) > 0; b = b[4:] {
		t = append(t, rune(binary.LittleEndian.Uint32(b)))
	}
	return strings.TrimRight(string(t), "\x00"), true
}
