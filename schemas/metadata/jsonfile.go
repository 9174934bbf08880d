package metadata

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"ingestor/schemas/metadata/pyvalue"
)

// maxNesting bounds how deep a JSON schema may be nested.
const maxNesting = 200

// parseJSON reads a schema file that is JSON. Numbers and texts are what JSON
// says, not what YAML would make of them.
func parseJSON(text []byte) (*node, []Fault, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	b := jsonBuilder{decoder: decoder, text: text}
	root, err := b.value(0)
	if err == nil {
		if _, trailing := decoder.Token(); !errors.Is(trailing, io.EOF) {
			err = errors.New("there is text after the end")
		}
	}
	if err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("it ends too early")
		}
		return nil, nil, &parseError{b.line(), fmt.Sprintf("not JSON: %v", err)}
	}
	return root, b.faults, nil
}

type jsonBuilder struct {
	decoder *json.Decoder
	text    []byte
	faults  []Fault
	// counted lines up to offset, so that a file is walked through once.
	offset, lines int
}

func (b *jsonBuilder) line() int {
	at := min(int(b.decoder.InputOffset()), len(b.text))
	b.lines += bytes.Count(b.text[b.offset:at], []byte("\n"))
	b.offset = at
	return b.lines + 1
}

func (b *jsonBuilder) value(depth int) (*node, error) {
	if depth > maxNesting {
		return nil, errors.New("it is nested too deeply")
	}
	token, err := b.decoder.Token()
	if err != nil {
		return nil, err
	}
	n := &node{line: b.line()}
	switch t := token.(type) {
	case json.Delim:
		if t == '[' {
			n.kind = listNode
			err = b.list(n, depth)
		} else {
			n.kind = mapNode
			err = b.object(n, depth)
		}
		return n, err
	case string:
		n.text, n.value = t, pyvalue.Str(t)
	case json.Number:
		n.text = t.String()
		n.value, err = pyvalue.ParseJSON([]byte(n.text))
	case bool:
		n.text, n.value = fmt.Sprint(t), pyvalue.Bool(t)
	default:
		n.text, n.value = "null", pyvalue.None{}
	}
	return n, err
}

func (b *jsonBuilder) list(n *node, depth int) error {
	for b.decoder.More() {
		item, err := b.value(depth + 1)
		if err != nil {
			return err
		}
		n.items = append(n.items, item)
	}
	_, err := b.decoder.Token()
	return err
}

func (b *jsonBuilder) object(n *node, depth int) error {
	for b.decoder.More() {
		key, err := b.value(depth + 1)
		if err != nil {
			return err
		}
		item, err := b.value(depth + 1)
		if err != nil {
			return err
		}
		if n.put(key, item) {
			b.faults = append(b.faults, Fault{Line: key.line, Where: key.text, Harmless: true,
				Problem: "the key is there twice, the last one counts", Hint: "remove or rename one"})
		}
	}
	_, err := b.decoder.Token()
	return err
}
