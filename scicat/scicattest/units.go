package scicattest

import (
	"encoding/json"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// unit converts into SI: value*factor+offset.
type unit struct {
	factor, offset float64
	si             string
}

// units are those that beamlines use most. The backend knows many more; what is
// not here is treated like a unit that it does not know.
var units = map[string]unit{
	"m": {1, 0, "m"}, "km": {1e3, 0, "m"}, "cm": {1e-2, 0, "m"}, "mm": {1e-3, 0, "m"}, "um": {1e-6, 0, "m"}, "nm": {1e-9, 0, "m"},
	"s": {1, 0, "s"}, "ms": {1e-3, 0, "s"}, "us": {1e-6, 0, "s"}, "ns": {1e-9, 0, "s"}, "min": {60, 0, "s"}, "h": {3600, 0, "s"},
	"K": {1, 0, "K"}, "mK": {1e-3, 0, "K"}, "degC": {1, 273.15, "K"},
	"Hz": {1, 0, "s^-1"}, "kHz": {1e3, 0, "s^-1"}, "MHz": {1e6, 0, "s^-1"},
	"kg": {1, 0, "kg"}, "g": {1e-3, 0, "kg"}, "mg": {1e-6, 0, "kg"},
	"eV": {1.602176565e-19, 0, "(kg m^2) / s^2"}, "meV": {1.602176565e-22, 0, "(kg m^2) / s^2"},
	"keV": {1.602176565e-16, 0, "(kg m^2) / s^2"}, "J": {1, 0, "(kg m^2) / s^2"},
	"A": {1, 0, "A"}, "mA": {1e-3, 0, "A"}, "C": {1, 0, "s A"}, // a coulomb, not a degree
	"T": {1, 0, "kg / (s^2 A)"}, "Pa": {1, 0, "kg / (m s^2)"}, "bar": {1e5, 0, "kg / (m s^2)"}, "mbar": {1e2, 0, "kg / (m s^2)"},
	"rad": {1, 0, "rad"}, "deg": {math.Pi / 180, 0, "rad"},
}

// withSI adds valueSI and unitSI to every object, at any depth but not inside
// lists, that has a key beginning with v and one beginning with u.
func withSI(v any) any {
	o, isObject := v.(Document)
	if !isObject {
		return v
	}
	out := Document{}
	for k, item := range o {
		out[k] = withSI(item)
	}
	valueKey, unitKey := keyLike(o, "v"), keyLike(o, "u")
	name, isText := o[unitKey].(string)
	if valueKey == "" || !isText || name == "" {
		return out
	}
	out["valueSI"], out["unitSI"] = toSI(o[valueKey], name)
	return out
}

func keyLike(o Document, first string) string {
	var keys []string
	for k := range o {
		if strings.HasPrefix(k, first) && !strings.HasSuffix(k, "SI") {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return ""
	}
	return slices.Min(keys)
}

func toSI(v any, name string) (any, string) {
	u, known := units[name]
	if !known {
		return v, name
	}
	if list, isList := v.([]any); isList {
		if len(list) != 2 {
			return v, name
		}
		a, okA := numberOf(list[0])
		b, okB := numberOf(list[1])
		if !okA || !okB {
			return v, name
		}
		return []any{jsonNumber(a*u.factor + u.offset), jsonNumber(b*u.factor + u.offset)}, u.si
	}
	n, ok := numberOf(v)
	if !ok {
		return v, name
	}
	return jsonNumber(n*u.factor + u.offset), u.si
}

// numberOf reads numbers as JavaScript does where it needs one.
func numberOf(v any) (float64, bool) {
	switch v := v.(type) {
	case json.Number:
		f, err := v.Float64()
		return f, err == nil
	case string:
		f, err := strconv.ParseFloat(v, 64)
		return f, err == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

func jsonNumber(f float64) json.Number { return json.Number(strconv.FormatFloat(f, 'g', -1, 64)) }

// encodeKeys makes the keys of scientific metadata fit for the database.
func encodeKeys(v any) any {
	switch v := v.(type) {
	case Document:
		out := Document{}
		for k, item := range v {
			out[encodeKey(k)] = encodeKeys(item)
		}
		return out
	case []any:
		return v
	}
	return v
}

// encodeKey escapes a key, unless it reads as something escaped already.
func encodeKey(k string) string {
	if plain, err := url.PathUnescape(k); err == nil && plain != k {
		return k
	}
	const kept = "-_!~*'()"
	var b strings.Builder
	for _, c := range []byte(k) {
		if c < 0x80 && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(kept, c) >= 0) {
			b.WriteByte(c)
		} else {
			b.WriteString("%" + strings.ToUpper(strconv.FormatInt(int64(c)+0x100, 16)[1:]))
		}
	}
	return b.String()
}

// decodeKeys makes them readable again.
func decodeKeys(v any) any {
	o, isObject := v.(Document)
	if !isObject {
		return v
	}
	out := Document{}
	for k, item := range o {
		if plain, err := url.PathUnescape(k); err == nil {
			k = plain
		}
		out[k] = decodeKeys(item)
	}
	return out
}
