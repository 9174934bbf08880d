package nexus

import "errors"

// Children lists the names in a group: in the order of their creation where the
// group tracks it, else bytewise, as h5py iterates. Dangling links are among
// them. Errors wrap ErrNotFound for a path that leads nowhere.
func (f *File) Children(path string) ([]string, error) {
	var list []string
	err := f.do(path, path, func(file int64, path string) error {
		g, err := f.file.OpenGroup(path)
		if err != nil {
			cause := lastError()
			if o, e := objectAt(file, path); e == nil && o != objectGroup {
				return errors.New("is not a group")
			}
			return cause
		}
		list, err = names(g.ID(), false)
		return closing(g, err)
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// Attrs lists the names of the attributes of a group or dataset, in the order
// of Children. Errors wrap ErrNotFound for a path that leads nowhere.
func (f *File) Attrs(path string) ([]string, error) {
	var list []string
	err := f.do(path, path, func(file int64, path string) error {
		id, err := openObject(file, path)
		if err != nil {
			return err
		}
		defer closeObject(id)
		list, err = names(id, true)
		return err
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// IsGroup tells whether path leads to a group.
func (f *File) IsGroup(path string) bool {
	o, err := f.object(path)
	return err == nil && o == objectGroup
}

// Exists tells whether path leads to an object; a dangling link does not.
func (f *File) Exists(path string) bool {
	_, err := f.object(path)
	return err == nil
}

func (f *File) object(path string) (object, error) {
	o := objectNone
	err := f.do(path, path, func(file int64, path string) error {
		var err error
		o, err = objectAt(file, path)
		return err
	})
	if err != nil {
		return objectNone, err
	}
	return o, nil
}
