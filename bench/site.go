package main

import (
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

// token is what the measured program sends.
const token = "bench-token"

// site is a folder with a file, schemas and a configuration, and a catalogue
// that can be emptied.
type site struct {
	dir, file, config string

	catalogue atomic.Pointer[scicattest.Server]
	http      *http.Server
}

// newSite prefers the reference folder's real file to one of our own.
func newSite(ctx context.Context, shared string) (*site, error) {
	s := &site{}
	if err := s.forget(); err != nil {
		return nil, err
	}
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the catalogue: %w", err)
	}
	s.http = &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.catalogue.Load().ServeHTTP(w, r)
	})}
	go func() { _ = s.http.Serve(l) }() // ends with close
	if s.dir, err = os.MkdirTemp("", "bench-"); err != nil {
		return nil, err
	}
	schemas, err := s.inputs(shared)
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	s.config = filepath.Join(s.dir, "ingestor.yml")
	text := "id: bench\n" +
		"ingestion:\n  schemas_directory: " + strconv.Quote(schemas) + "\n" +
		"  check_if_dataset_exists_by_metadata: false\n" +
		"  state_directory: " + strconv.Quote(filepath.Join(s.dir, "state")) + "\n" +
		"  file_handling: {save_file_hash: false, message_to_file: false, data_file_open_max_tries: 0}\n" +
		"scicat:\n  host: http://" + l.Addr().String() + "/api/v3\n  token: " + token + "\n"
	if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// inputs sets the file and gives the folder of its schemas.
func (s *site) inputs(shared string) (schemas string, err error) {
	real := filepath.Join(shared, "acceptance", "data", "small-coda.hdf")
	if _, err := os.Stat(real); shared != "" && err == nil {
		if s.file, err = filepath.Abs(real); err != nil {
			return "", err
		}
		return filepath.Abs(filepath.Join(shared, "acceptance", "data", "schemas"))
	}
	s.file = filepath.Join(s.dir, "demo_31010.hdf")
	if err := nexustest.Write(s.file, nexustest.Run(nexustest.RunInfo{})); err != nil {
		return "", err
	}
	return filepath.Abs(filepath.Join("schemas", "examples"))
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
	return errors.Join(s.http.Close(), os.RemoveAll(s.dir))
}
