package configs

// HealthCheck is where the daemon answers GET /health and GET /metrics.
type HealthCheck struct {
	Host           string
	Port           int    // 0 = any free port
	MetricsAddress string // host:port; "" = no metrics
	MetricsFixed   bool   // somebody gave that address
}

func (h *HealthCheck) keys() []key {
	return []key{
		{path: "health_check.host", value: text(&h.Host), standard: "0.0.0.0", online: true,
			doc: "Address to listen on; 127.0.0.1 for this machine only."},
		{path: "health_check.port", value: number(&h.Port, 0, 65535), standard: "8080", online: true,
			doc: "Port to listen on; 0 takes any free one."},
		{path: "health_check.metrics_address", value: listenAddress(&h.MetricsAddress), standard: "127.0.0.1:9465", online: true,
			doc: "Address on which GET /metrics (Prometheus) is answered; empty: on none. When nobody gave it and it is taken, another port is used."},
	}
}
