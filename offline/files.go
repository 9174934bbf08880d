package offline

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"ingestor/internal/fault"
	"ingestor/internal/sidecar"
	"ingestor/scicat"
)

// timeForm is how the peer writes the time of a file: whole seconds, UTC.
const timeForm = "2006-01-02T15:04:05.000Z"

// listFiles makes the file list of the datablock: the data file, then its saved
// checksum, then the message file. Chk is the data file's checksum, "" if none
// was computed; messageChk that of the message file.
func (g *Ingestor) listFiles(f *found) ([]scicat.DataFile, error) {
	o := g.opt.Files
	data, err := g.describe(f.path, f.sourceFolder, f.checksum)
	if err != nil {
		return nil, err
	}
	list := []scicat.DataFile{data}
	if o.SaveHash && !g.opt.DryRun {
		saved, err := g.saveChecksum(f)
		if err != nil {
			return nil, err
		}
		list = append(list, saved...)
	}
	if f.messageFile != "" {
		entry, err := g.describe(f.messageFile, f.sourceFolder, f.messageChecksum)
		if err != nil {
			return nil, err
		}
		list = append(list, entry)
	}
	return list, nil
}

// saveChecksum writes the file beside the data and is its entry of the list; no
// entry where the storage can not hold its name, which no later attempt changes.
func (g *Ingestor) saveChecksum(f *found) ([]scicat.DataFile, error) {
	path := sidecar.Path(f.path, g.opt.Files.IngestorDirectory, g.opt.Files.HashExtension)
	err := sidecar.Write(f.path, path, []byte(f.checksum))
	switch {
	case errors.Is(err, syscall.ENAMETOOLONG):
		g.opt.Log.WithField("file", f.path).WithError(bare(err)).
			Warn("Checksum is not saved beside the file: the name of the file with it would be too long")
		return nil, nil
	case err != nil:
		return nil, withHint(fault.Errorf(storageKind(err),
			"save the checksum as %s (ingestion.file_handling.ingestor_files_directory): %w", absolute(path), bare(err)))
	}
	saved, err := g.describe(path, f.sourceFolder, "")
	return []scicat.DataFile{saved}, err
}

// storageKind tells a full or vanished disk, which passes, from a folder that
// refuses us.
func storageKind(err error) fault.Kind {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fault.Unavailable
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fault.NotPermitted
	}
	return fault.OfSystem(err)
}

// describe is one entry of the file list.
func (g *Ingestor) describe(path, sourceFolder, checksum string) (scicat.DataFile, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return scicat.DataFile{}, fault.Errorf(fault.Unavailable, "list %s: %w", path, err)
	}
	entry := scicat.DataFile{Path: abs, Time: g.opt.Now().UTC().Truncate(time.Second).Format(timeForm)}
	if g.opt.Files.Relative {
		listed, inside := listedPath(abs, sourceFolder)
		if !inside {
			g.opt.Log.WithField("file", path).WithField("source_folder", sourceFolder).
				Warn("File lies outside the dataset's source folder and keeps its absolute path")
		}
		entry.Path = listed
	}
	if checksum != "" {
		entry.Chk = &checksum
	}
	if !g.opt.Files.Stats {
		return entry, nil
	}
	info, err := os.Stat(abs)
	if err != nil {
		return entry, fault.Errorf(fault.Busy, "read the size of %s: %w", abs, bare(err))
	}
	size := info.Size()
	entry.Size = &size
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return entry, fmt.Errorf("no owner and mode of %s on this system", path)
	}
	entry.Time = time.Unix(st.Ctim.Sec, 0).UTC().Format(timeForm)
	uid, gid := strconv.FormatUint(uint64(st.Uid), 10), strconv.FormatUint(uint64(st.Gid), 10)
	perm := "0o" + strconv.FormatUint(uint64(st.Mode), 8) // as Python's oct
	entry.UID, entry.GID, entry.Perm = &uid, &gid, &perm
	return entry, nil
}

// total is the size of the listed files in bytes; unknown sizes count nothing.
func total(list []scicat.DataFile) int64 {
	var sum int64
	for _, f := range list {
		if f.Size != nil {
			sum += *f.Size
		}
	}
	return sum
}
