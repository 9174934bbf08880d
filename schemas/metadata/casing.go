package metadata

import (
	"strings"
	"unicode"
)

// upper is str.upper: also ß becomes SS.
func upper(s string) string {
	var sb strings.Builder
	for _, r := range s {
		if special, ok := upperSpecial[r]; ok {
			sb.WriteString(special)
		} else {
			sb.WriteRune(unicode.ToUpper(r))
		}
	}
	return sb.String()
}

// lower is str.lower: İ keeps its dot, and a sigma that ends a word is ς.
func lower(s string) string {
	var sb strings.Builder
	runes := []rune(s)
	for i, r := range runes {
		switch {
		case r == 'İ':
			sb.WriteString("i̇")
		case r == 'Σ' && endsWord(runes, i):
			sb.WriteRune('ς')
		default:
			sb.WriteRune(unicode.ToLower(r))
		}
	}
	return sb.String()
}

// endsWord says that a letter stands before position i and none after it.
func endsWord(runes []rune, i int) bool {
	before, after := i-1, i+1
	for before >= 0 && caseIgnorable(runes[before]) {
		before--
	}
	for after < len(runes) && caseIgnorable(runes[after]) {
		after++
	}
	return before >= 0 && isCased(runes[before]) && (after == len(runes) || !isCased(runes[after]))
}

func isCased(r rune) bool {
	return unicode.IsUpper(r) || unicode.IsLower(r) || unicode.IsTitle(r)
}

func caseIgnorable(r rune) bool {
	return unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk) || strings.ContainsRune("'.:·’․", r)
}
