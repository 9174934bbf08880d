package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	ck "github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"ingestor/internal/fault"
)

// probeSteps are how long each question of a probe waits for its answer: short
// ones first, so that a refusal is told at once. Together they are its limit.
var probeSteps = []time.Duration{300 * time.Millisecond, 700 * time.Millisecond, time.Second, 3 * time.Second}

// Probe asks a broker for the cluster's metadata, on a connection of its own. It
// takes at most 5 s, or until ctx ends, and less when the brokers refuse. The
// error (fault.Unavailable) is one line: which brokers, and what they or the
// connection said. A topic that does not exist yet is only a warning.
func (s *Source) Probe(ctx context.Context) error {
	type answer struct {
		topics map[string]ck.TopicMetadata
		err    error
	}
	done := make(chan answer, 1)
	// The library can not be interrupted: when ctx ends first, the question ends
	// by itself soon after.
	go func() {
		topics, err := s.ask(ctx)
		done <- answer{topics, err}
	}()
	select {
	case <-ctx.Done():
		return fault.Errorf(fault.Unavailable, "%s: no broker of %s answers: no answer in time: %w", s.options.Name, s.brokers(), ctx.Err())
	case a := <-done:
		if a.err != nil {
			return a.err
		}
		for _, t := range s.options.Topics {
			if _, ok := a.topics[t]; !ok {
				s.log.Warnf("kafka topic %s does not exist (yet) at %s; its messages are read once it does", t, s.brokers())
			}
		}
		return nil
	}
}

// ask puts the question until it is answered or it is clear that it will not be.
func (s *Source) ask(ctx context.Context) (map[string]ck.TopicMetadata, error) {
	c, err := ck.NewConsumer(configMap(s.clientProperties()))
	if err != nil {
		return nil, s.refused(err)
	}
	discarded := make(chan struct{})
	logs := c.Logs()
	go func() {
		defer close(discarded)
		for range logs { //nolint:revive // errors come as events too, in better words
		}
	}()
	var topics map[string]ck.TopicMetadata
	reasons := newReasons()
	for _, step := range probeSteps {
		if ctx.Err() != nil {
			break
		}
		if deadline, ok := ctx.Deadline(); ok {
			step = min(step, max(time.Until(deadline), time.Millisecond))
		}
		var metadata *ck.Metadata
		if metadata, err = c.GetMetadata(nil, true, int(step.Milliseconds())); err == nil {
			topics = metadata.Topics
			break
		}
		for event := c.Poll(0); event != nil; event = c.Poll(0) {
			if e, ok := event.(ck.Error); ok {
				reasons.add(e)
			}
		}
		if reasons.final() {
			break
		}
	}
	closing := c.Close()
	<-discarded
	if err != nil {
		return nil, fault.Errorf(fault.Unavailable, "%s: no broker of %s answers: %s", s.options.Name, s.brokers(),
			s.secrets.blank(reasons.line(err)))
	}
	if closing != nil {
		return nil, fmt.Errorf("%s: %w", s.options.Name, closing)
	}
	return topics, nil
}

// reasons collects what went wrong with each broker.
type reasons struct {
	texts   []string
	refused bool // credentials or certificates: trying again will not help
	down    bool // every broker was tried
}

func newReasons() *reasons { return &reasons{} }

func (r *reasons) add(e ck.Error) {
	switch e.Code() {
	case ck.ErrAllBrokersDown:
		r.down = true
		return
	case ck.ErrAuthentication, ck.ErrSaslAuthenticationFailed, ck.ErrSsl:
		r.refused = true
	}
	text := inWords(e)
	for i, t := range r.texts {
		switch {
		case fuller(t, text) == t:
			return
		case fuller(text, t) == text:
			r.texts[i] = text
			return
		}
	}
	r.texts = append(r.texts, text)
}

func (r *reasons) final() bool { return r.refused || r.down && len(r.texts) > 0 }

// line is all reasons in one line; without any it is the library's own error.
func (r *reasons) line(err error) string {
	if len(r.texts) == 0 {
		var e ck.Error
		if errors.As(err, &e) && (e.Code() == ck.ErrTransport || e.Code() == ck.ErrTimedOut) {
			return "no answer in time (is it a Kafka broker, and does security.protocol fit?)"
		}
		return err.Error()
	}
	return strings.Join(r.texts, "; ")
}
