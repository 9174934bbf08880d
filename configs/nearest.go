package configs

import "strings"

// nearest is the known name that s most probably stands for, or "". Case and the
// choice between - and _ do not count as differences.
func nearest(s string, known []string) string {
	best, least := "", len(s)/3+1
	plain := simplify(s)
	for _, k := range known {
		if d := distance(plain, simplify(k), least); d < least || (d == least && best == "") {
			best, least = k, d
		}
	}
	return best
}

func simplify(s string) string { return strings.ReplaceAll(strings.ToLower(s), "-", "_") }

// distance is the number of insertions, deletions, substitutions and swaps of
// neighbours between a and b, or limit+1 when it is more than limit.
func distance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit || len(a) > 200 {
		return limit + 1
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(row[j-1]+1, last[j]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
