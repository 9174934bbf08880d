package main

import (
	"crypto/x509"
	"os"

	"ingestor/configs"
)

// sources looks at what the places that messages come from point to.
func (c *configCheck) sources(cfg configs.Config) {
	c.authorities(&cfg.Kafka.KafkaCluster)
	for i := range cfg.Sources.Kafka {
		c.authorities(&cfg.Sources.Kafka[i])
	}
	for i := range cfg.Sources.Directories {
		c.watched(&cfg.Sources.Directories[i])
	}
}

// authorities looks at the certificates for one cluster.
func (c *configCheck) authorities(cluster *configs.KafkaCluster) {
	file := cluster.SSLCALocation
	if info, err := os.Stat(file); file == "" || err == nil && info.IsDir() {
		return // librdkafka takes a folder too
	}
	const key = "ssl_ca_location"
	if text := certificates(file); text != "" {
		c.sayAt(cluster.Place(key), cluster.Key(key), !c.daemon, text)
	}
}

// watched looks at a folder to watch. One that is away may come: what is mounted, or
// made by the file writer.
func (c *configCheck) watched(d *configs.Directory) {
	if d.Path == "" || c.faulty(d.Key("path")) {
		return
	}
	place, key := d.Place("path"), d.Key("path")
	info, err := os.Stat(d.Path)
	if err == nil && !info.IsDir() {
		c.sayAt(place, key, false, d.Path+" is a file; give the folder that it is in, and its name as include")
		return
	}
	if err == nil {
		var f *os.File
		if f, err = os.Open(d.Path); err == nil {
			err = f.Close()
		}
	}
	if err != nil {
		c.sayAt(place, key, true, "the folder "+d.Path+" can not be read now: "+cause(err))
	}
}

// certificates says what is wrong with a file of PEM certificates; "" when nothing is.
func certificates(file string) string {
	text, err := configs.ReadFile(file)
	switch {
	case err != nil:
		return absolute(file) + " can not be read: " + cause(err)
	case !x509.NewCertPool().AppendCertsFromPEM(text):
		return absolute(file) + " holds no certificate in PEM form, -----BEGIN CERTIFICATE-----"
	default:
		return ""
	}
}
