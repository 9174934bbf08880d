// Package sidecar places the small files that stand beside a data file: its
// saved checksum, and the message that announced it.
//
// A sidecar is written whole or not at all, whoever else writes it.
package sidecar

import (
	"crypto/rand"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
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
	if err := replace(path, content); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// replace puts content at path in one step. The temporary file has a short name
// of its own: one made of that at path, as renameio makes it, would be too long
// for a file system where path itself just fits.
func replace(path string, content []byte) (err error) {
	permissions := fs.FileMode(0o644)
	if old, err := os.Lstat(path); err == nil && old.Mode().IsRegular() {
		permissions = old.Mode().Perm()
	}
	short := filepath.Join(filepath.Dir(path), ".ingestor-"+rand.Text())
	f, err := os.OpenFile(short, os.O_WRONLY|os.O_CREATE|os.O_EXCL, permissions)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close() // may be closed already
			_ = os.Remove(short)
		}
	}()
	if _, err := f.Write(content); err != nil {
		return err
	}
	// Some storages refuse any change of permissions, so it is made only where
	// the umask took some away.
	if info, err := f.Stat(); err != nil {
		return err
	} else if info.Mode().Perm() != permissions {
		if err := f.Chmod(permissions); err != nil {
			return err
		}
	}
	// Without it, a crash may leave an empty file behind the rename.
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(short, path)
}
