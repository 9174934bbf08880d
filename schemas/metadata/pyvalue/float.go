package pyvalue

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// FloatText is repr(f) of a Python float: the shortest text that reads back as
// the same number, with an exponent below 1e-4 and from 1e16 on.
func FloatText(f float64) string {
	return floatLayout(f, shortestDigits(f, 8), 1e16)
}

// scalarText is str() of a numpy number of size bytes. The limit from which an
// exponent is written falls with the precision of the type.
func scalarText(f float64, size int) string {
	limit := 1e16
	switch size {
	case 2:
		limit = 1e3
	case 4:
		limit = 1e6
	}
	return floatLayout(f, shortestDigits(f, size), limit)
}

// floatLayout writes digits, which are in the form d.ddde±x, as Python does.
func floatLayout(f float64, digits string, limit float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	if abs := math.Abs(f); abs != 0 && (abs < 1e-4 || abs >= limit) {
		return digits
	}
	text := positional(digits)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

// shortestDigits is the shortest scientific text that is unique among the
// floats of size bytes, with at least two digits in the exponent.
func shortestDigits(f float64, size int) string {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return ""
	}
	switch size {
	case 2:
		for precision := 0; precision < 5; precision++ {
			text := strconv.FormatFloat(f, 'e', precision, 64)
			if back, err := strconv.ParseFloat(text, 64); err == nil && toHalf(back) == toHalf(f) {
				return text
			}
		}
		return strconv.FormatFloat(f, 'e', -1, 64)
	case 4:
		return strconv.FormatFloat(f, 'e', -1, 32)
	case 10, 12, 16:
		// x87 long double: the value went through a float64 on its way here,
		// but its text is as long as 64 bits of mantissa need.
		return new(big.Float).SetPrec(64).SetFloat64(f).Text('e', -1)
	default:
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
}

// positional turns d.ddde±xx into plain decimal notation.
func positional(scientific string) string {
	mantissa, exponent, found := strings.Cut(scientific, "e")
	if !found {
		return scientific
	}
	shift, err := strconv.Atoi(exponent)
	if err != nil {
		return scientific
	}
	sign := ""
	if strings.HasPrefix(mantissa, "-") {
		sign, mantissa = "-", mantissa[1:]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := whole + fraction
	point := len(whole) + shift
	switch {
	case point <= 0:
		return sign + "0." + strings.Repeat("0", -point) + digits
	case point >= len(digits):
		return sign + digits + strings.Repeat("0", point-len(digits))
	default:
		return sign + digits[:point] + "." + digits[point:]
	}
}

// toHalf is f rounded to half precision.
func toHalf(f float64) float64 {
	if f == 0 || math.IsInf(f, 0) || math.IsNaN(f) {
		return f
	}
	_, exponent := math.Frexp(f)
	step := math.Ldexp(1, max(exponent-11, -24))
	half := math.RoundToEven(f/step) * step
	if math.Abs(half) > 65504 {
		return math.Inf(int(math.Copysign(1, f)))
	}
	return half
}

// floatToInt is the whole part of a finite f.
func floatToInt(f float64) *big.Int {
	whole, _ := new(big.Float).SetFloat64(f).Int(nil)
	return whole
}
