//go:build linux

package children

import (
	"strings"
	"testing"
)

func TestResult_LastLine(t *testing.T) {
	for _, c := range []struct{ name, stderr, want string }{
		{"the last of several", "one\ntwo\n\n", "two"},
		{"none", " \n", "it wrote nothing on standard error"},
		{"no UTF-8", "a\xff\xfeb", "a?b"},
		{"a long one is cut between characters", strings.Repeat("é", 300), strings.Repeat("é", 250) + "…"},
		{"a character in the cut is left out", "x" + strings.Repeat("é", 300), "x" + strings.Repeat("é", 249) + "…"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := (Result{Stderr: []byte(c.stderr)}).LastLine(); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
