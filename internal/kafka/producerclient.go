package kafka

import (
	"encoding/json"
	"maps"
	"sync"
	"time"

	ck "github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/sirupsen/logrus"

	"ingestor/internal/fault"
)

// producerClient is one client of the library.
type producerClient struct {
	p       *ck.Producer
	closing chan struct{}
	keeper  sync.WaitGroup // who looks after the password
	work    sync.WaitGroup // its log and event readers
	uses    sync.WaitGroup // the sends under way
}

// use hands out the client, a new one after a fatal error.
func (p *Producer) use() (*producerClient, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errClosed
	}
	if p.client == nil {
		client, err := p.open()
		if err != nil {
			return nil, err
		}
		p.client = client
	}
	p.client.uses.Add(1)
	return p.client, nil
}

// check lets the library judge the properties, on a client that knows no broker.
// The client that sends is made when there is something to send.
func (p *Producer) check() error {
	lonely := maps.Clone(p.password.properties(p.properties))
	delete(lonely, "bootstrap.servers")
	p.secrets.learn(lonely[saslPassword])
	client, err := ck.NewProducer(configMap(lonely))
	if err != nil {
		return p.refused(err)
	}
	logs := client.Logs()
	var discarded sync.WaitGroup
	discarded.Go(func() {
		for range logs { //nolint:revive // the client that sends tells the same
		}
	})
	client.Close()
	discarded.Wait()
	return nil
}

// refused is what the library says against the configuration.
func (p *Producer) refused(err error) error {
	return fault.Errorf(fault.BadConfiguration, "%s: %s", p.name, p.secrets.blank(err.Error()))
}

// rest ends the client when nothing is under way; the next send makes another.
func (p *Producer) rest() {
	p.mu.Lock()
	client := p.client
	p.mu.Unlock()
	if client != nil {
		p.retire(client)
	}
}

// open makes a client.
func (p *Producer) open() (*producerClient, error) {
	if err := p.password.look(time.Now()); err != nil {
		p.reports.write(logrus.WarnLevel, p.name+": "+err.Error()+"; the password stays what it was")
	}
	current := p.password.properties(p.properties)
	p.secrets.learn(current[saslPassword])
	m := configMap(current)
	// The library's own channels default to a million places each.
	for key, value := range map[string]ck.ConfigValue{"go.events.channel.size": 64, "go.produce.channel.size": 1} {
		(*m)[key] = value
	}
	client, err := ck.NewProducer(m)
	if err != nil {
		return nil, p.refused(err)
	}
	c := &producerClient{p: client, closing: make(chan struct{})}
	logs := client.Logs()
	c.work.Go(func() { p.reports.forward(logs) })
	c.work.Go(func() {
		var lost cutOff
		for event := range client.Events() {
			switch e := event.(type) {
			case ck.Error:
				p.trouble(e)
			case *ck.Stats:
				p.statistics(c, e.String(), &lost)
			}
		}
	})
	if p.password.path != "" {
		login := credentials{p.password, current[saslUsername], current[saslPassword], p.secrets, p.reports}
		c.keeper.Go(func() { c.renew(&login) })
	}
	return c, nil
}

// statistics takes what the client tells of itself. One that has lost all brokers
// is replaced: what it was to send fails, and is sent by another.
func (p *Producer) statistics(c *producerClient, text string, lost *cutOff) {
	var stats struct {
		Brokers map[string]brokerReport `json:"brokers"`
	}
	if err := json.Unmarshal([]byte(text), &stats); err != nil || !lost.told(stats.Brokers) {
		return
	}
	p.reports.write(logrus.WarnLevel, p.name+": "+errCutOff.Error()+"; another one takes its place")
	p.retire(c)
	if err := c.p.Purge(ck.PurgeQueue | ck.PurgeInFlight | ck.PurgeNonBlocking); err != nil {
		p.reports.write(logrus.WarnLevel, p.name+": "+p.secrets.blank(err.Error()))
	}
}

// renew looks after the password until the client is closed.
func (c *producerClient) renew(login *credentials) {
	tick := time.NewTicker(passwordEvery)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			login.renew(c.p, now)
		case <-c.closing:
			return
		}
	}
}

// retire takes a client out of use and closes it once its sends have ended.
func (p *Producer) retire(client *producerClient) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.client != client {
		return
	}
	p.client = nil
	p.retired.Go(func() {
		client.uses.Wait()
		client.close()
	})
}

func (c *producerClient) close() {
	close(c.closing)
	c.keeper.Wait() // it uses the client
	c.p.Close()
	c.work.Wait()
}
