package configs

// HealthCheck is the address on which the daemon answers GET /health.
type HealthCheck struct {
	Host string
	Port int // 0 = any free port
}

func (h *HealthCheck) keys() []key {
	return []key{
		{path: "health_check.host", value: text(&h.Host), standard: "0.0.0.0", online: true,
			doc: "Address to listen on; 127.0.0.1 for this machine only."},
		{path: "health_check.port", value: number(&h.Port, 0, 65535), standard: "8080", online: true,
			doc: "Port to listen on; 0 takes any free one."},
	}
}
