package main

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// scraped is what Prometheus gets, without what Go and the system say of the process.
func scraped(t *testing.T, all ...ingester) string {
	t.Helper()
	h, err := metricsHandler(all)
	if err != nil {
		t.Fatal(err)
	}
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	if answer.Code != http.StatusOK {
		t.Fatalf("%d: %s", answer.Code, answer.Body)
	}
	var out strings.Builder
	for line := range strings.Lines(answer.Body.String()) {
		if strings.Contains(line, "frame_forwarder_") && !strings.Contains(line, "build_info") {
			out.WriteString(line)
		}
	}
	return out.String()
}

func TestMetrics_OfABusyIngester(t *testing.T) {
	golden(t, filepath.Join("testdata", "metrics.txt"), scraped(t, busy("eiger-ingester"), busy("other-ingester")))
}

// Every metric is explained in the chapter for operators, and every one explained is
// there.
func TestMetrics_AreThoseOfTheDocumentation(t *testing.T) {
	chapter := read(t, filepath.Join("..", "..", "docs", "forwarder.md"))
	_, chapter, _ = strings.Cut(chapter, "## Seeing")
	chapter, _, _ = strings.Cut(chapter, "\n## ")
	described := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|").FindAllStringSubmatch(chapter, -1) {
		described[row[1]] = true
	}
	there := map[string]bool{}
	for _, row := range regexp.MustCompile(`(?m)^# HELP frame_forwarder_([a-z_]+) `).FindAllStringSubmatch(scraped(t, busy("x")), -1) {
		there[row[1]] = true
		if !described[row[1]] {
			t.Errorf("docs/forwarder.md does not explain %s", row[1])
		}
	}
	for name := range described {
		if !there[name] {
			t.Errorf("docs/forwarder.md explains %s, which is not there", name)
		}
	}
}
