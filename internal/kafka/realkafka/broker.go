package realkafka

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"text/template"
	"time"

	"ingestor/internal/fixture"
	"ingestor/internal/kafka"
)

//go:embed server.properties.tmpl
var properties string

// Options says how to start a Broker; the zero value will do.
type Options struct {
	// Dir takes the configuration, the log folder and the node's own log; by
	// default a temporary folder that Close removes.
	Dir string
	// Properties are added to server.properties, last word.
	Properties map[string]string
	// Secure adds a listener with TLS and SASL, see SecureProperties.
	Secure bool
	// StartTimeout is how long the node may take until it answers; default 60 s
	// (it is 3 to 7 s on two idle cores).
	StartTimeout time.Duration
}

// Broker is one Kafka node. Its methods are for one goroutine.
type Broker struct {
	options   Options
	libs      string
	temporary bool
	address   string
	secure    string
	process   *fixture.Process
}

// New fetches Kafka if need be, prepares a folder and formats it; it starts
// nothing yet.
func New(ctx context.Context, o Options) (*Broker, error) {
	if o.StartTimeout == 0 {
		o.StartTimeout = time.Minute
	}
	libs, err := Fetch(ctx)
	if err != nil {
		return nil, err
	}
	b := &Broker{options: o, libs: libs}
	if o.Dir == "" {
		dir, err := os.MkdirTemp("", "ingestor-kafka-")
		if err != nil {
			return nil, fmt.Errorf("real kafka: %w", err)
		}
		b.options.Dir, b.temporary = dir, true
	}
	if err := b.prepare(ctx); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// Start is New and Start of the result.
func Start(ctx context.Context, o Options) (*Broker, error) {
	b, err := New(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := b.Start(ctx); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// Address is host:port, as bootstrap.servers takes it. It stays the same over
// Stop and Start.
func (b *Broker) Address() string { return b.address }

// SecureProperties are what a client needs for the secure listener; mechanism is
// SCRAM-SHA-256 or PLAIN.
func (b *Broker) SecureProperties(mechanism string) map[string]string {
	return map[string]string{
		"bootstrap.servers": b.secure,
		"security.protocol": "sasl_ssl",
		"ssl.ca.location":   b.path("ca.pem"),
		"sasl.mechanism":    mechanism,
		"sasl.username":     User,
		"sasl.password":     Password,
	}
}

// Start starts the node on its port and data and waits until it answers.
func (b *Broker) Start(ctx context.Context) error {
	if b.process != nil {
		return errors.New("real kafka: runs already")
	}
	log, err := os.OpenFile(b.path("kafka.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("real kafka: %w", err)
	}
	defer log.Close() //nolint:errcheck // the child has its own descriptor
	cmd := exec.CommandContext(context.WithoutCancel(ctx), "java", b.java("-Xms64m", "-Xmx256m", "-XX:+UseSerialGC",
		"-XX:TieredStopAtLevel=1", "kafka.Kafka", b.path("server.properties"))...)
	cmd.Stdout, cmd.Stderr = log, log
	p, err := fixture.Start(cmd)
	if err != nil {
		return fmt.Errorf("real kafka: %w", err)
	}
	b.process = p
	if err := b.wait(ctx); err != nil {
		return errors.Join(err, b.Kill())
	}
	return nil
}

// wait waits until the node answers or ends.
func (b *Broker) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, b.options.StartTimeout)
	defer cancel()
	admin, err := kafka.NewAdmin(map[string]string{"bootstrap.servers": b.address, "reconnect.backoff.max.ms": "100"})
	if err != nil {
		return fmt.Errorf("real kafka: %w", err)
	}
	defer admin.Close() //nolint:errcheck // it only asked
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		if admin.Ping(ctx, time.Second) == nil {
			return nil
		}
		select {
		case <-again.C:
		case <-b.process.Done():
			return fmt.Errorf("real kafka: ended while starting: %w\n%s", b.process.Err(), b.logTail())
		case <-ctx.Done():
			return fmt.Errorf("real kafka: %s does not answer: %w\n%s", b.address, ctx.Err(), b.logTail())
		}
	}
}

// Stop ends the node in order (SIGTERM), after 30 s by force; data and port
// stay for the next Start.
func (b *Broker) Stop() error {
	const patience = 30 * time.Second
	return b.end(syscall.SIGTERM, patience)
}

// Kill ends the node at once, as a crash would.
func (b *Broker) Kill() error { return b.end(syscall.SIGKILL, 0) }

// Freeze stops the node in its tracks (SIGSTOP) or lets it go on: connections
// stay open and nobody answers.
func (b *Broker) Freeze(on bool) error {
	if b.process == nil {
		return errors.New("real kafka: does not run")
	}
	if on {
		return b.process.Signal(syscall.SIGSTOP)
	}
	return b.process.Signal(syscall.SIGCONT)
}

func (b *Broker) end(sig syscall.Signal, patience time.Duration) error {
	if b.process == nil {
		return nil
	}
	p := b.process
	b.process = nil
	if err := p.End(sig, patience); err != nil {
		return fmt.Errorf("real kafka: %w", err)
	}
	return nil
}

// Close kills the node if it runs and removes its temporary folder.
func (b *Broker) Close() error {
	err := b.Kill()
	if b.temporary {
		err = errors.Join(err, os.RemoveAll(b.options.Dir))
	}
	return err
}

// prepare writes server.properties and formats the log folder.
func (b *Broker) prepare(ctx context.Context) error {
	ports, err := freePorts(3)
	if err != nil {
		return fmt.Errorf("real kafka: %w", err)
	}
	b.address = fmt.Sprintf("127.0.0.1:%d", ports[0])
	values := map[string]any{
		"Port": ports[0], "ControllerPort": ports[1], "LogDir": b.path("data"), "Properties": b.options.Properties,
		"SecurePort": 0,
	}
	var accounts []string
	if b.options.Secure {
		b.secure = fmt.Sprintf("127.0.0.1:%d", ports[2])
		ca, err := WriteCA(b.path("ca.pem"))
		if err != nil {
			return err
		}
		if err := ca.writeServer(b.path("server.pem")); err != nil {
			return fmt.Errorf("real kafka: %w", err)
		}
		values["SecurePort"], values["ServerPEM"] = ports[2], b.path("server.pem")
		values["User"], values["Password"] = User, Password
		accounts = []string{"--add-scram", fmt.Sprintf("SCRAM-SHA-256=[name=%s,password=%s]", User, Password)}
	}
	t, err := template.New("server.properties").Parse(properties)
	if err != nil {
		return fmt.Errorf("real kafka: %w", err)
	}
	f, err := os.Create(b.path("server.properties"))
	if err != nil {
		return fmt.Errorf("real kafka: %w", err)
	}
	if err := errors.Join(t.Execute(f, values), f.Close()); err != nil {
		return fmt.Errorf("real kafka: %w", err)
	}
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		return fmt.Errorf("real kafka: %w", err)
	}
	// One word, for one id in 64 begins with a dash.
	format := append([]string{"kafka.tools.StorageTool", "format",
		"--cluster-id=" + base64.RawURLEncoding.EncodeToString(id), "-c", b.path("server.properties")}, accounts...)
	cmd := exec.CommandContext(ctx, "java", b.java(format...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("real kafka: format the log folder: %w\n%s", err, tail(out))
	}
	return nil
}

// java is the argument list of a Java program from the fetched jars.
func (b *Broker) java(args ...string) []string {
	return append([]string{"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", filepath.Join(b.libs, "*")}, args...)
}

func (b *Broker) path(name string) string { return filepath.Join(b.options.Dir, name) }

func (b *Broker) logTail() []byte {
	out, err := os.ReadFile(b.path("kafka.log"))
	if err != nil {
		return []byte(err.Error())
	}
	return tail(out)
}

// freePorts finds ports that nobody listens on. All are held until the last
// one is found, so they differ.
func freePorts(n int) ([]int, error) {
	ports := make([]int, 0, n)
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // listening does not wait
		if err != nil {
			return nil, err
		}
		defer l.Close() //nolint:errcheck // nothing was sent
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}
