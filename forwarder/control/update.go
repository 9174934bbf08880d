package control

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/google/uuid"

	"ingestor/internal/jsonscan"
)

// update is one entry of the controller.
type update struct {
	mapping    uuid.UUID
	parameters map[string]uuid.UUID
	active     []string
	finished   bool
}

// parseUpdate reads an entry as strictly as the peers: mapping_uuid and
// parameters_version have to be there, uuids are of version 4. A repeated field
// counts as its last one, unknown ones are passed over.
func parseUpdate(data []byte) (update, error) {
	var u update
	var s jsonscan.Scanner
	s.Reset(data)
	if err := s.EnterObject(); err != nil {
		return update{}, err
	}
	for {
		key, ok, err := s.NextKey()
		if err != nil {
			return update{}, err
		}
		if !ok {
			break
		}
		switch string(key) {
		case "mapping_uuid":
			u.mapping, err = readUUID(&s)
		case "parameters_version":
			u.parameters, err = readVersions(&s)
		case "active_streams":
			u.active, err = readTexts(&s)
		case "finished":
			u.finished, err = s.Bool()
		default:
			_, err = s.Skip()
		}
		if err != nil {
			return update{}, fmt.Errorf("%s: %w", printable(key), err)
		}
	}
	if err := s.End(); err != nil {
		return update{}, err
	}
	if u.mapping == uuid.Nil {
		return update{}, errors.New("mapping_uuid is missing")
	}
	if u.parameters == nil {
		return update{}, errors.New("parameters_version is missing")
	}
	return u, nil
}

// readUUID reads the text of a uuid of version 4.
func readUUID(s *jsonscan.Scanner) (uuid.UUID, error) {
	text, err := s.Text()
	if err != nil {
		return uuid.Nil, err
	}
	if len(text) != 36 && len(text) != 32 {
		return uuid.Nil, errors.New("not a uuid")
	}
	id, err := uuid.ParseBytes(text)
	if err != nil {
		return uuid.Nil, errors.New("not a uuid")
	}
	if id.Version() != 4 {
		return uuid.Nil, fmt.Errorf("uuid %s is not of version 4", id)
	}
	return id, nil
}

func readVersions(s *jsonscan.Scanner) (map[string]uuid.UUID, error) {
	if err := s.EnterObject(); err != nil {
		return nil, err
	}
	versions := map[string]uuid.UUID{}
	for {
		name, ok, err := s.NextKey()
		if err != nil || !ok {
			return versions, err
		}
		id, err := readUUID(s)
		if err != nil {
			return nil, fmt.Errorf("parameter %s: %w", printable(name), err)
		}
		versions[string(name)] = id
	}
}

// readTexts reads an array of strings.
func readTexts(s *jsonscan.Scanner) ([]string, error) {
	if err := s.EnterArray(); err != nil {
		return nil, err
	}
	list := []string{}
	for {
		more, err := s.NextElement()
		if err != nil || !more {
			return list, err
		}
		text, err := s.Text()
		if err != nil {
			return nil, err
		}
		list = append(list, string(text))
	}
}

// printable is foreign text for a message: quoted, ASCII, and short.
func printable(text []byte) string {
	const most = 80
	cut := text
	if len(cut) > most {
		cut = cut[:most]
		for len(cut) > 0 && !utf8.RuneStart(text[len(cut)]) {
			cut = cut[:len(cut)-1]
		}
		return fmt.Sprintf("%+q...", cut)
	}
	return fmt.Sprintf("%+q", cut)
}
