package configs

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// joinedTexts is a text with commas for which the file may also hold a list, and
// which a repeated flag extends.
type joinedTexts struct{ scalar[string] }

func (j joinedTexts) set(text string) error {
	*j.target = strings.Join(commas(text), ",")
	return nil
}

func (j joinedTexts) add(text string) error { return j.set(*j.target + "," + text) }

func (j joinedTexts) setNode(node *yaml.Node) error {
	var words []string
	if err := texts(&words).setNode(node); err != nil {
		return err
	}
	return j.set(strings.Join(words, ","))
}
