package pyvalue

import (
	"math"
	"strconv"
	"strings"
)

// floatStyle is how the numbers of one array are laid out.
type floatStyle struct {
	size       int
	scientific bool
	left       int // characters before the point, sign included
	right      int // digits after it
	exponent   int // characters of the exponent, e included
}

// measure finds the widths that hold every number. Room for nan and inf, which
// stand alone in their cell, is made on the left.
func (s *floatStyle) measure(finite []float64, special int) {
	for _, f := range finite {
		left, right, exponent := s.parts(f)
		s.left = max(s.left, len(left))
		s.right = max(s.right, len(right))
		s.exponent = max(s.exponent, len(exponent))
	}
	if special > 0 {
		s.left = max(s.left, special-s.right-1-s.exponent)
	}
}

// parts are the text before and after the point, at most eight digits, and the
// exponent with its e.
func (s *floatStyle) parts(f float64) (left, right, exponent string) {
	digits := shortestDigits(f, s.size)
	if s.scientific {
		digits = s.rounded(f, digits)
		var mantissa string
		mantissa, exponent, _ = strings.Cut(digits, "e")
		exponent = "e" + exponent
		left, right, _ = strings.Cut(mantissa, ".")
		return left, right, exponent
	}
	left, right, _ = strings.Cut(positional(digits), ".")
	if len(right) > precision {
		left, right, _ = strings.Cut(strconv.FormatFloat(f, 'f', precision, 64), ".")
	}
	return left, strings.TrimRight(right, "0"), ""
}

func (s *floatStyle) rounded(f float64, digits string) string {
	mantissa, _, _ := strings.Cut(digits, "e")
	if _, fraction, _ := strings.Cut(mantissa, "."); len(fraction) > precision {
		digits = strconv.FormatFloat(f, 'e', precision, 64)
		mantissa, exponent, _ := strings.Cut(digits, "e")
		return strings.TrimRight(mantissa, "0") + "e" + exponent
	}
	return digits
}

func (s *floatStyle) cell(f float64) string {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		text := FloatText(f)
		return strings.Repeat(" ", max(0, s.left+1+s.right+s.exponent-len(text))) + text
	}
	left, right, exponent := s.parts(f)
	if s.scientific && len(right) < s.right {
		// numpy fills up with the digits of the exact value, not with zeros.
		var mantissa string
		mantissa, exponent, _ = strings.Cut(strconv.FormatFloat(f, 'e', s.right, 64), "e")
		left, right, _ = strings.Cut(mantissa, ".")
		exponent = "e" + exponent
	}
	return strings.Repeat(" ", max(0, s.left-len(left))) + left + "." +
		right + strings.Repeat(" ", max(0, s.right-len(right))) + exponent
}
