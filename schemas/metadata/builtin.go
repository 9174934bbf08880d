package metadata

import (
	"embed"
	"fmt"

	"ingestor/internal/fault"
)

//go:embed builtin/ess-fallback.imsc.yml
var builtinFiles embed.FS

// FallbackName is the name of the built-in schema that can be used where no
// schema selects a file.
const FallbackName = "ess-fallback"

// LoadFallback reads the schema for files that no schema selects: a file, or
// the built-in one by its name. Its selector does not count. Every error, also
// a fault inside, is of kind BadConfiguration.
func LoadFallback(pathOrName string) (*Schema, error) {
	schema, err := loadFallback(pathOrName)
	if err == nil {
		err = schema.Err()
	}
	if err != nil {
		return nil, fault.New(fault.BadConfiguration, fmt.Errorf("fallback schema: %w", err))
	}
	return schema, nil
}

func loadFallback(pathOrName string) (*Schema, error) {
	if pathOrName != FallbackName {
		return LoadFile(pathOrName)
	}
	text, err := builtinFiles.ReadFile("builtin/ess-fallback.imsc.yml")
	if err != nil {
		return nil, err
	}
	return parseSchema("<"+FallbackName+">", text)
}
