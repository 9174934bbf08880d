package kafka_test

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	ck "github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/sirupsen/logrus"
	"github.com/sirupsen/logrus/hooks/test"

	"ingestor/internal/fault"
	"ingestor/internal/kafka"
	"ingestor/internal/kafka/embedded"
	"ingestor/internal/kafka/realkafka"
)

// login is what a client needs for a broker with passwords.
func login(address, user, password string) map[string]string {
	return map[string]string{
		"bootstrap.servers": address, "security.protocol": "sasl_plaintext", "sasl.mechanism": "SCRAM-SHA-256",
		"sasl.username": user, "sasl.password": password,
	}
}

// setPassword gives a user of the brokers another password.
func setPassword(t *testing.T, props map[string]string, user, password string) {
	t.Helper()
	m := ck.ConfigMap{"log_level": 0}
	for k, v := range props {
		m[k] = v
	}
	admin, err := ck.NewAdminClient(&m)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	result, err := admin.AlterUserScramCredentials(ctx, []ck.UserScramCredentialUpsertion{{
		User: user, Password: []byte(password), ScramCredentialInfo: ck.ScramCredentialInfo{Mechanism: ck.ScramMechanismSHA256, Iterations: 4096},
	}}, nil)
	if err != nil || result.Errors[user].Code() != ck.ErrNoError {
		t.Fatalf("set password: %v, %v", err, result.Errors)
	}
}

// write puts a file in place as an operator does.
func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file+".new", []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

// told counts the lines of a log from a level on that hold a text.
func told(hook *test.Hook, level logrus.Level, text string) (n int, all []string) {
	for _, e := range hook.AllEntries() {
		if e.Level <= level && strings.Contains(e.Message, text) {
			n++
			all = append(all, e.Message)
		}
	}
	return n, all
}

// renews is a password that is changed at the brokers while no connection could
// be made with the one that the file has. again breaks the connections.
func renews(t *testing.T, c *cluster, admin, user map[string]string, again func()) {
	const old, fresh = "old-horse-battery", "new-horse-staple"
	name, group, topic := user["sasl.username"], "group", c.topic(t, 1)
	file := filepath.Join(t.TempDir(), "password")
	write(t, file, old+"\n")
	setPassword(t, admin, name, old)

	props := maps.Clone(quick)
	maps.Copy(props, user)
	props["sasl.password"] = "not-this-horse" // the file wins
	props["group.id"] = group
	log, hook := test.NewNullLogger()
	s, err := kafka.New(kafka.Options{Topics: []string{topic}, Properties: props, PasswordFile: file, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	r := run(t, s, true)
	delete(props, "group.id")
	d, err := kafka.NewDeadLetters(kafka.DeadLetterOptions{Topic: topic, Properties: props, PasswordFile: file, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	send := func(offset int64) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		if err := d.Send(ctx, letter(offset)); err != nil {
			t.Fatal(err)
		}
	}
	send(0)
	r.awaitCount(t, 1)
	c.awaitCommitted(t, group, map[int32]int64{0: 1}) // so that it does not come again

	// What is connected stays so; what is new is refused until the file follows.
	setPassword(t, admin, name, fresh)
	again()
	late, err := kafka.NewDeadLetters(kafka.DeadLetterOptions{Topic: topic, Properties: props, PasswordFile: file, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = late.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := late.Send(ctx, letter(1)); fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "SASL") || strings.Contains(err.Error(), "horse") {
		t.Errorf("with the old password: %v of kind %s", err, fault.KindOf(err))
	}
	write(t, file, "") // in the midst of being replaced
	write(t, file, fresh+"\n")
	ctx, cancel = context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := late.Send(ctx, letter(1)); err != nil {
		t.Fatal(err)
	}
	send(2)
	r.awaitCount(t, 3)
	await(t, "three lines of news, one for each client", func() bool {
		n, _ := told(hook, logrus.InfoLevel, "password file has changed")
		return n == 3
	})
	if n, lines := told(hook, logrus.DebugLevel, "horse"); n != 0 {
		t.Errorf("a password is in the log: %q", lines)
	}
	got := map[string]int{}
	for _, m := range r.messages() {
		got[headers(m)["ingestor-source"]]++
	}
	if want := map[string]int{"files/3/0;": 1, "files/3/1;": 1, "files/3/2;": 1}; !maps.Equal(got, want) {
		t.Errorf("delivered %v", got)
	}
}

func TestPasswordFile_IsReadAnewOnTheEmbeddedBroker(t *testing.T) {
	t.Parallel()
	b, err := embedded.Start(embedded.Options{Users: map[string]string{"admin": "admin-horse", "me": "me-horse"}})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	admin := login(b.Address(), "admin", "admin-horse")
	renews(t, newClusterWith(t, admin), admin, login(b.Address(), "me", ""), func() {})
}

// The broker asks for the password every second, and is started again besides.
func TestPasswordFile_IsReadAnewOnTheRealBroker(t *testing.T) {
	b, c := realBroker(t, realkafka.Options{Secure: true, Properties: map[string]string{"connections.max.reauth.ms": "1000"}})
	renews(t, c, map[string]string{"bootstrap.servers": b.Address()}, b.SecureProperties("SCRAM-SHA-256"), func() {
		if err := b.Stop(); err != nil {
			t.Fatal(err)
		}
		if err := b.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestPasswordFile_ThatCanNotBeReadIsAFault(t *testing.T) {
	absent := filepath.Join(t.TempDir(), "absent")
	empty := filepath.Join(t.TempDir(), "empty")
	write(t, empty, "\n")
	props := login("127.0.0.1:1", "me", "")
	props["group.id"] = "g"
	for _, file := range []string{absent, empty} {
		_, err := kafka.New(kafka.Options{Topics: []string{"t"}, Properties: props, PasswordFile: file})
		if fault.KindOf(err) != fault.BadConfiguration || !strings.Contains(err.Error(), file) {
			t.Errorf("%v of kind %s", err, fault.KindOf(err))
		}
		_, err = kafka.NewProducer(kafka.ProducerOptions{Properties: props, PasswordFile: file})
		if fault.KindOf(err) != fault.BadConfiguration || !strings.Contains(err.Error(), file) {
			t.Errorf("%v of kind %s", err, fault.KindOf(err))
		}
	}
}

// One that vanishes while it is used is told once, and the password stays.
func TestPasswordFile_ThatVanishesChangesNothing(t *testing.T) {
	t.Parallel()
	b, err := embedded.Start(embedded.Options{Topics: []string{"t"}, Users: map[string]string{"me": "me-horse"}})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	file := filepath.Join(t.TempDir(), "password")
	write(t, file, "me-horse")
	log, hook := test.NewNullLogger()
	props := login(b.Address(), "me", "")
	p, err := kafka.NewProducer(kafka.ProducerOptions{Properties: props, PasswordFile: file, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	if _, err := p.Produce(t.Context(), "t", nil, []byte("v"), nil); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	await(t, "a warning", func() bool {
		n, _ := told(hook, logrus.WarnLevel, "the password stays what it was")
		return n == 1
	})
	if _, err := p.Produce(t.Context(), "t", nil, []byte("v"), nil); err != nil {
		t.Error(err)
	}
	never(t, "the same warning", 2500*time.Millisecond, func() bool {
		n, _ := told(hook, logrus.WarnLevel, "the password stays what it was")
		return n > 1
	})
}
