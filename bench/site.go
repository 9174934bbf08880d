package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"ingestor/internal/nexus/nexustest"
	"ingestor/scicat/scicattest"
)

// token is what the measured programs send.
const token = "bench-token"

// site is a folder with files, schemas and a configuration, a catalogue that
// can be emptied, and a broker once it is needed.
type site struct {
	dir, file, config string
	offline, online   string

	// original holds a real file and the job id in it; without one, files are
	// made.
	original, job []byte
	files         int

	catalogue atomic.Pointer[scicattest.Server]
	http      *http.Server
	host      string
	schemas   string

	real   bool
	broker *broker
}

// newSite prefers the reference folder's real file to one of our own.
func newSite(ctx context.Context, o options) (*site, error) {
	s := &site{offline: o.offline, online: o.online, real: o.real}
	if err := s.forget(); err != nil {
		return nil, err
	}
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the catalogue: %w", err)
	}
	s.host = "http://" + l.Addr().String() + "/api/v3"
	s.http = &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.catalogue.Load().ServeHTTP(w, r)
	})}
	go func() { _ = s.http.Serve(l) }() // ends with close
	if s.dir, err = os.MkdirTemp("", "bench-"); err != nil {
		return nil, err
	}
	if err := s.inputs(o.shared); err != nil {
		return nil, errors.Join(err, s.close())
	}
	s.config = filepath.Join(s.dir, "ingestor.yml")
	if err := os.WriteFile(s.config, []byte(s.settings()), 0o600); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// settings are those of both programs. The message file is off because the
// peer, with which this is compared, can not run with it.
func (s *site) settings() string {
	return "id: bench\n" +
		"ingestion:\n  schemas_directory: " + strconv.Quote(s.schemas) + "\n" +
		"  check_if_dataset_exists_by_metadata: false\n" +
		"  state_directory: " + strconv.Quote(filepath.Join(s.dir, "state")) + "\n" +
		"  offline_ingestor_executable: [" + strconv.Quote(s.offline) + "]\n" +
		"  max_offline_ingestors: " + strconv.Itoa(maxChildren) + "\n" +
		"  file_handling: {save_file_hash: false, message_to_file: false, data_file_open_max_tries: 0}\n" +
		"scicat:\n  host: " + s.host + "\n  token: " + token + "\n"
}

// inputs sets the file and the folder of its schemas.
func (s *site) inputs(shared string) (err error) {
	reference := filepath.Join(shared, "acceptance", "data", "small-coda.hdf")
	if content, err := os.ReadFile(reference); shared != "" && err == nil {
		s.original, s.job = content, []byte("f22acb1c-950b-11ef-a3ef-fa163e9aae0a")
		if bytes.Count(content, s.job) != 1 {
			return fmt.Errorf("%s: does not hold its job id once, in plain text", reference)
		}
		if s.file, err = filepath.Abs(reference); err != nil {
			return err
		}
		s.schemas, err = filepath.Abs(filepath.Join(shared, "acceptance", "data", "schemas"))
		return err
	}
	if s.schemas, err = filepath.Abs(filepath.Join("schemas", "examples")); err != nil {
		return err
	}
	made, err := s.newFile()
	s.file = made.path
	return err
}

// dataFile is a file and the job that wrote it.
type dataFile struct{ path, job string }

// newFile puts one more file there, which differs from all others in its job.
func (s *site) newFile() (dataFile, error) {
	s.files++
	job := fmt.Sprintf("f22acb1c-950b-11ef-a3ef-%012d", s.files)
	folder := filepath.Join(s.dir, "raw")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return dataFile{}, err
	}
	if s.original == nil {
		f := dataFile{filepath.Join(folder, fmt.Sprintf("demo_%06d.hdf", s.files)), job}
		return f, nexustest.Write(f.path, nexustest.Run(nexustest.RunInfo{JobID: job}))
	}
	f := dataFile{filepath.Join(folder, fmt.Sprintf("small-coda-%06d.hdf", s.files)), job}
	return f, os.WriteFile(f.path, bytes.Replace(s.original, s.job, []byte(job), 1), 0o600)
}

// forget empties the catalogue.
func (s *site) forget() error {
	users := scicattest.DefaultUsers()
	for i := range users {
		if users[i].Name == "admin" {
			users[i].Tokens = []string{token}
		}
	}
	fresh, err := scicattest.New(scicattest.Options{Users: users, Roles: scicattest.DefaultRoles()})
	if err != nil {
		return err
	}
	err = errors.Join(
		fresh.AddProposal(scicattest.Document{
			"proposalId": "443503", "title": "Bench", "ownerGroup": "bench", "email": "ada@example.org",
			"pi_firstname": "Ada", "pi_lastname": "Sjöberg", "pi_email": "ada@example.org",
		}),
		fresh.AddInstrument(scicattest.Document{"name": "ODIN", "uniqueName": "odin"}))
	s.catalogue.Store(fresh)
	return err
}

func (s *site) close() error {
	var err error
	if s.broker != nil {
		err = s.broker.close()
	}
	return errors.Join(err, s.http.Close(), os.RemoveAll(s.dir))
}
