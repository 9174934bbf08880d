package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	ck "github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/sirupsen/logrus"

	"ingestor/internal/fault"
	"ingestor/internal/intake"
)

// Source delivers the messages of some topics as one member of a consumer group.
type Source struct {
	options    Options
	properties map[string]string
	password   *password
	secrets    *secrets
	reports    *reports
	log        logrus.FieldLogger
	// atEnd says that a group that has committed nothing begins at the end.
	atEnd         bool
	startPatience time.Duration

	running atomic.Bool
	held    atomic.Bool
	// wake has one place: a Hold that changed something.
	wake chan struct{}

	mu      sync.Mutex
	current *session
	stalls  stalls
}

// New makes a Source. It checks every property with the library, so a wrong
// name, value or certificate file is found here (fault.BadConfiguration), and
// connects to nothing.
func New(o Options) (*Source, error) {
	o = o.withDefaults()
	merged, overruled := properties(consumerDefaults, consumerReserved, o.Properties)
	o.Properties = merged
	if err := o.validate(); err != nil {
		return nil, fault.Errorf(fault.BadConfiguration, "%s: %w", o.Name, err)
	}
	password, err := newPassword(o.PasswordFile, merged[saslPassword])
	if err != nil {
		return nil, fault.Errorf(fault.BadConfiguration, "%s: %w", o.Name, err)
	}
	s := &Source{
		options: o, properties: merged, password: password, secrets: newSecrets(merged),
		log:   o.Log.WithField("source", o.Name),
		wake:  make(chan struct{}, 1),
		atEnd: beginsAtEnd(merged), startPatience: startPatience,
	}
	s.reports = newReports(s.log, s.secrets)
	for _, key := range overruled {
		s.log.Warnf("kafka property %s is set by the ingestor itself (%s); the configured value has no effect",
			key, orUnused(consumerReserved[key]))
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	return s, nil
}

func orUnused(value string) string {
	if value == "" {
		return "not used"
	}
	return value
}

// check lets the library judge the properties, on a client that knows no broker.
func (s *Source) check() error {
	all := s.clientProperties()
	lonely := make(map[string]string, len(all))
	for key, value := range all {
		if key != "bootstrap.servers" {
			lonely[key] = value
		}
	}
	c, err := ck.NewConsumer(configMap(lonely))
	if err != nil {
		return s.refused(err)
	}
	if err := c.Close(); err != nil {
		return fmt.Errorf("%s: %w", s.options.Name, err)
	}
	return nil
}

// clientProperties is the properties with the password of now.
func (s *Source) clientProperties() map[string]string {
	if err := s.password.look(time.Now()); err != nil {
		s.reports.write(logrus.WarnLevel, "kafka: "+err.Error()+"; the password stays what it was")
	}
	all := s.password.properties(s.properties)
	s.secrets.learn(all[saslPassword])
	return all
}

// refused is what the library says against the configuration.
func (s *Source) refused(err error) error {
	return fault.Errorf(fault.BadConfiguration, "%s: %s", s.options.Name, s.secrets.blank(err.Error()))
}

// Name tells this source from others.
func (s *Source) Name() string { return s.options.Name }

// Hold stops the delivery of messages (true) or lets it go on. The source goes
// on polling and stays in its group meanwhile, however long. It does not block.
func (s *Source) Hold(on bool) {
	if s.held.Swap(on) == on {
		return
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Ready is nil when the source is a member of its group and a broker answered
// within the last 15 s; otherwise it says what is missing.
func (s *Source) Ready() error {
	s.mu.Lock()
	current := s.current
	s.mu.Unlock()
	if current == nil {
		return fault.Errorf(fault.Unavailable, "%s: does not run", s.options.Name)
	}
	if err := current.ready(time.Now()); err != nil {
		return fault.Errorf(fault.Unavailable, "%s: %w", s.options.Name, err)
	}
	return nil
}

// Positions tells how far each assigned partition is, by topic and partition.
// It reads what is known and asks nobody.
func (s *Source) Positions() []Position {
	s.mu.Lock()
	current := s.current
	s.mu.Unlock()
	if current == nil {
		return nil
	}
	return current.positions(time.Now())
}

// Stalls counts how often a partition was begun anew, or the client with it,
// because it delivered nothing although it had messages, or had lost all brokers:
// faults of the client library that were lived through.
func (s *Source) Stalls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stalls.count
}

func (s *Source) stalled(n int, now time.Time) {
	if n == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stalls.add(n, now)
}

// patience is how long a partition may stand still at present.
func (s *Source) patience(first time.Duration, now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stalls.patience(first, now)
}

// Run joins the group and delivers messages until ctx ends; then it commits what
// is finished, leaves the group and returns nil. It waits for no message that is
// still unfinished: whoever wants that drains before ending ctx. Brokers that
// are away, a lost membership and a failed client are lived through; an error
// means that the configuration can not work.
//
// deliver is called from one goroutine and returns quickly: a delivery that
// takes minutes would cost the membership. Each message's Ack may be called
// from any goroutine; only its first call counts. An Ack with an error leaves
// the message unfinished: the mark stays before it, and it is delivered again
// when the partition is next assigned, to whomever.
//
// Run may be called once at a time.
func (s *Source) Run(ctx context.Context, deliver func(intake.Message, intake.Ack)) error {
	if !s.running.CompareAndSwap(false, true) {
		return errors.New("kafka: the source runs already")
	}
	defer s.running.Store(false)

	const first, longest = time.Second, 30 * time.Second
	pause := first
	for ctx.Err() == nil {
		began := time.Now()
		err := s.session(ctx, deliver)
		if err == nil {
			break
		}
		if fault.KindOf(err) == fault.BadConfiguration {
			return err
		}
		// A client that lived for a while deserves a quick second one.
		if time.Since(began) > longest {
			pause = first
		}
		level := logrus.ErrorLevel
		if errors.Is(err, errSilent) {
			level = logrus.InfoLevel // that the brokers are away was told
		}
		s.log.WithError(err).Logf(level, "kafka client failed; begins anew in %s", pause)
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
		pause = min(2*pause, longest)
	}
	return nil
}

// session is the life of one client of the library.
func (s *Source) session(ctx context.Context, deliver func(intake.Message, intake.Ack)) error {
	properties := s.clientProperties()
	c, err := ck.NewConsumer(configMap(properties))
	if err != nil {
		return s.refused(err)
	}
	current := newSession(s, c, properties)
	s.setCurrent(current)
	defer s.setCurrent(nil)
	return current.run(ctx, deliver)
}

func (s *Source) setCurrent(current *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current = current
}

// brokers is how messages name the cluster.
func (s *Source) brokers() string {
	return strings.ReplaceAll(s.properties["bootstrap.servers"], ",", ", ")
}
