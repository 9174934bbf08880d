package main

import "testing"

func TestCheckConfigSources_Golden(t *testing.T) {
	for _, h := range []helping{
		{name: "config with a folder to watch", prepare: func(b *bench) {
			b.configure("ingestion:\n", "ingestion:\n  offline_ingestor_executable: /bin/sh\n")
			b.config += "sources:\n  directories:\n  - path: " + b.path("raw") + "\n"
		}, args: []string{"check", "config", "config.yml"}},
		{name: "config with faults in sources", prepare: func(b *bench) {
			b.configure("ingestion:\n", "ingestion:\n  offline_ingestor_executable: /bin/sh\n")
			b.write("ca.pem", []byte("no certificate"))
			b.config += `sources:
  directories:
  - path: /no/such/folder
  - path: ` + b.path("ca.pem") + `
    setle: 5s
  - path: raw
  kafka:
  - name: other
    topics: t
    bootstrap_servers: b:1
    group_id: g
    security_protocol: ssl
    ssl_ca_location: ca.pem
  - name: third
    topics: [t, dead]
    bootstrap_servers: c:1
    sasl_username: u
    dead_letter_topic: dead
`
		}, args: []string{"check", "config", "config.yml"}, exit: 78},
		{name: "config with a login", prepare: func(b *bench) {
			b.write("password", []byte(secret))
			b.configure("  token: @TOKEN@\n", "  username: ingestor\n  password_file: password\n")
		}, args: []string{"check", "config", "config.yml"}},
		{name: "config with half a login", prepare: func(b *bench) {
			b.configure("  token: @TOKEN@\n", "  username: ingestor\n")
		}, args: []string{"check", "config", "config.yml"}, exit: 78},
	} {
		h.test(t)
	}
}
