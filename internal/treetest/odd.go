package treetest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// oddities adds what is no data file, or only seems to be one.
func (t *Tree) oddities() error {
	good := t.Of(Good)
	home := filepath.Join(t.Root, t.Instruments[0])
	link := func(target, name string) error {
		path := filepath.Join(home, name)
		t.Files = append(t.Files, File{Path: path, Kind: Link, ModTime: t.Newest})
		return os.Symlink(target, path)
	}
	faults := []error{
		os.MkdirAll(home, 0o755),
		link(t.Root, "above"),
		link(".", "itself"),
		link("raw", "also_raw"),
		link("run_circle.hdf", "run_circle.hdf"),
		link("/nowhere/run_gone.hdf", "run_gone.hdf"),
		os.MkdirAll(filepath.Join(home, "nothing_in_it", "run_folder.hdf"), 0o755),
		syscall.Mkfifo(filepath.Join(home, "run_pipe.hdf"), 0o644),
	}
	t.Files = append(t.Files, File{Path: filepath.Join(home, "run_pipe.hdf"), Kind: Pipe})
	for i := 0; i < len(good); i += 200 {
		faults = append(faults, link(good[i].Path, fmt.Sprintf("run_link_%d.hdf", i)))
		twin := good[len(good)-1-i]
		twin.Path, twin.Kind = filepath.Join(home, fmt.Sprintf("run_twin_%d.hdf", i)), Twin
		faults = append(faults, os.Link(good[len(good)-1-i].Path, twin.Path))
		t.Files = append(t.Files, twin)
	}
	for name, kind := range map[string]Kind{
		".run_hidden.hdf": Hidden, ".snapshot/run_kept.hdf": Hidden, ".snapshot/daily/run_kept.hdf": Hidden,
		"notes.txt": Other, "run_0000001.hdf.part": Other, "run_0000001.log": Other, "hdf": Other,
	} {
		faults = append(faults, t.add(filepath.Join(home, name), kind, t.Newest))
	}
	for i := range 3 {
		faults = append(faults, t.add(filepath.Join(home, fmt.Sprintf("run_young_%d.hdf", i)), Young, time.Now()))
	}
	return errors.Join(faults...)
}

// Of are the files of some kinds.
func (t *Tree) Of(kinds ...Kind) (list []File) {
	for _, f := range t.Files {
		for _, k := range kinds {
			if f.Kind == k {
				list = append(list, f)
			}
		}
	}
	return list
}

// Late adds n good files that come after everybody has looked: restored or
// copied with the times that they had, some in ties with files that are there,
// some newer than all, some with a whole folder.
func (t *Tree) Late(n int) ([]File, error) {
	buffer := t.Root + ".buffer"
	begin := len(t.Files)
	known := t.Of(Good)
	for i := range n {
		when := known[t.dice.IntN(len(known))].ModTime
		path := t.name(Good)
		var err error
		switch i % 5 {
		case 0: // in a tie, in a folder that is there
			err = t.add(filepath.Join(filepath.Dir(known[i%len(known)].Path), filepath.Base(path)), Good, when)
		case 1: // a time of its own
			err = t.add(path, Good, when.Add(-time.Duration(1+t.dice.IntN(1e9))))
		case 2: // before all others of the newest time
			err = t.add(filepath.Join(t.Root, t.Instruments[0], "+"+filepath.Base(path)), Good, t.Newest)
		case 3: // newer than all, and older than all
			err = t.add(path, Good, t.Newest.Add(time.Second*time.Duration(i)))
			if i%2 == 0 {
				err = errors.Join(err, os.Chtimes(path, time.Unix(0, 0), time.Unix(int64(i), 0)))
				t.Files[len(t.Files)-1].ModTime = time.Unix(int64(i), 0)
			}
		case 4: // below
			err = t.moved(buffer, i, when)
		}
		if err != nil {
			return nil, fmt.Errorf("add late files: %w", err)
		}
	}
	if err := os.RemoveAll(buffer); err != nil {
		return nil, fmt.Errorf("add late files: %w", err)
	}
	return t.Files[begin:], nil
}

// moved adds a file in a folder that was filled elsewhere.
func (t *Tree) moved(buffer string, i int, when time.Time) error {
	t.number++
	instrument := t.Instruments[i%len(t.Instruments)]
	name := fmt.Sprintf("run_%07d.hdf", t.number)
	folder := fmt.Sprintf("restored_%07d", t.number)
	to := filepath.Join(t.Root, instrument, folder)
	content, err := t.content(filepath.Join(to, name), Good, t.job())
	if err != nil {
		return err
	}
	f := File{Path: filepath.Join(to, name), Kind: Good, Job: t.job(), ModTime: when}
	from := filepath.Join(buffer, folder)
	t.Files = append(t.Files, f)
	return errors.Join(t.put(filepath.Join(from, name), content, when), os.Rename(from, to))
}
