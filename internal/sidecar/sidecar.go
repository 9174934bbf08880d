// Package sidecar places the small files that stand beside a data file: its
// saved checksum, and the message that announced it.
//
// A sidecar is written whole or not at all, whoever else writes it.
package sidecar

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"
)

// Directory is the folder for files about dataFile: absolute as configured, or
// relative to the data file's own folder.
func Directory(dataFile, configured string) string {
	if filepath.IsAbs(configured) {
		return filepath.Clean(configured)
	}
	return filepath.Join(filepath.Dir(dataFile), configured)
}

// Path is <directory>/<stem>.<extension>; the stem of a.b.hdf is a.b.
func Path(dataFile, directory, extension string) string {
	name := filepath.Base(dataFile)
	stem := strings.TrimSuffix(name, filepath.Ext(name))
	return filepath.Join(Directory(dataFile, directory), stem+"."+extension)
}

// Write makes the folder where it is missing and replaces the file at path
// atomically. It does so only where the folder of the data file is there: making
// it on the bare mount point of a storage that is away would hide that it is.
func Write(dataFile, path string, content []byte) error {
	if _, err := os.Stat(filepath.Dir(dataFile)); err != nil {
		return fmt.Errorf("write beside the data: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("make the folder of %s: %w", path, err)
	}
	if err := renameio.WriteFile(path, content, 0o644, renameio.IgnoreUmask()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
