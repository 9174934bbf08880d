package metadata

import (
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strings"

	"ingestor/schemas/metadata/pyvalue"
)

// The forms of plain scalars in YAML 1.1, as PyYAML tells them apart. The
// order counts: a text is taken for the first form that it has.
var (
	yamlBool  = regexp.MustCompile(`^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$`)
	yamlFloat = regexp.MustCompile(`^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|` +
		`[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$`)
	yamlInt = regexp.MustCompile(`^(?:[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|` +
		`[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$`)
	yamlNull = regexp.MustCompile(`^(?:~|null|Null|NULL|)$`)
)

// plainScalar reads an unquoted scalar. Dates are their own text: the peer
// crashes on them.
func plainScalar(text string) pyvalue.Value {
	switch {
	case yamlNull.MatchString(text):
		return pyvalue.None{}
	case yamlBool.MatchString(text):
		return yamlBoolean(text)
	case yamlFloat.MatchString(text):
		if f, ok := yamlFloatValue(text); ok {
			return f
		}
	case yamlInt.MatchString(text):
		if i, ok := yamlIntValue(text); ok {
			return i
		}
	}
	return pyvalue.Str(text)
}

func yamlBoolean(text string) pyvalue.Value {
	switch strings.ToLower(text) {
	case "yes", "true", "on":
		return pyvalue.Bool(true)
	default:
		return pyvalue.Bool(false)
	}
}

// cutSign takes the sign off a number and drops its underscores.
func cutSign(text string) (string, bool) {
	text = strings.ReplaceAll(text, "_", "")
	if rest, negative := strings.CutPrefix(text, "-"); negative {
		return rest, true
	}
	return strings.TrimPrefix(text, "+"), false
}

func yamlIntValue(text string) (pyvalue.Value, bool) {
	digits, negative := cutSign(text)
	base := 10
	switch {
	case digits == "0":
	case strings.HasPrefix(digits, "0b"):
		base, digits = 2, digits[2:]
	case strings.HasPrefix(digits, "0x"):
		base, digits = 16, digits[2:]
	case strings.HasPrefix(digits, "0"):
		base, digits = 8, digits[1:]
	}
	sum := new(big.Int)
	for _, part := range strings.Split(digits, ":") {
		n, ok := new(big.Int).SetString(part, base)
		if !ok {
			return nil, false
		}
		sum.Add(sum.Mul(sum, big.NewInt(60)), n)
	}
	if negative {
		sum.Neg(sum)
	}
	return pyvalue.NewBig(sum), true
}

func yamlFloatValue(text string) (pyvalue.Value, bool) {
	digits, negative := cutSign(strings.ToLower(text))
	var sum float64
	switch digits {
	case ".inf":
		sum = math.Inf(1)
	case ".nan":
		sum = math.NaN()
	default:
		for _, part := range strings.Split(digits, ":") {
			f, err := pyvalue.ParseFloat(part)
			if err != nil {
				return nil, false
			}
			sum = sum*60 + float64(f)
		}
	}
	if negative {
		sum = -sum
	}
	return pyvalue.Float(sum), true
}

// taggedScalar reads a scalar with a tag of its own, such as !!str 5.
func taggedScalar(tag, text string) (pyvalue.Value, error) {
	var v pyvalue.Value
	ok := true
	switch strings.TrimPrefix(tag, "tag:yaml.org,2002:") {
	case "!!str", "str", "!":
		v = pyvalue.Str(text)
	case "!!null", "null":
		v = pyvalue.None{}
	case "!!bool", "bool":
		if ok = yamlBool.MatchString(text); ok {
			v = yamlBoolean(text)
		}
	case "!!int", "int":
		v, ok = yamlIntValue(text)
	case "!!float", "float":
		v, ok = yamlFloatValue(text)
	case "!!timestamp", "timestamp":
		v = pyvalue.Str(text)
	default:
		return nil, fmt.Errorf("the tag %s is not known here", tag)
	}
	if !ok {
		return nil, fmt.Errorf("%q does not fit its tag %s", text, tag)
	}
	return v, nil
}
