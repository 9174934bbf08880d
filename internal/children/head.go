//go:build linux

package children

// head keeps the first bytes that are written to it.
type head struct {
	limit int
	kept  []byte
}

// Write never fails.
func (h *head) Write(p []byte) (int, error) {
	h.kept = append(h.kept, p[:min(len(p), h.limit-len(h.kept))]...)
	return len(p), nil
}
