package nexus

import (
	"errors"
	"fmt"
	"math"
	"unsafe"
)

// value reads a whole dataset or attribute. Where the error wraps
// ErrUnsupported the value may hold what there is nevertheless.
func (h handle) value(limit int64) (Value, error) {
	t, shape, null, err := h.stat()
	if err != nil {
		return Value{}, err
	}
	defer t.close()
	l, err := newLayout(t, 0)
	if err != nil {
		return Value{Shape: shape, Null: null}, err
	}
	v := Value{Type: l.typ, Null: null}
	if null {
		return v, l.unsupported()
	}
	v.Shape = append(shape, l.shape...)
	if l.typ.Kind == Reference || l.typ.Kind == RegionReference {
		return v, l.unsupported()
	}
	n, ok := count(v.Shape)
	cost := int64(max(l.size, l.cost))
	if !ok || cost > math.MaxInt32 || l.elements > math.MaxInt32 || int64(n) > limit/max(cost, 1) {
		return v, fmt.Errorf("%w: %d elements of %d bytes pass the limit of %d bytes", errTooLarge, n, l.typ.Size, limit)
	}
	v.Data, err = h.data(t, l, shape == nil, n, limit)
	if errors.Is(err, errTooLarge) {
		err = fmt.Errorf("%w: its parts pass the limit of %d bytes", err, limit)
	}
	if err != nil {
		return Value{Type: v.Type, Shape: v.Shape}, err
	}
	return v, l.unsupported()
}

// data reads n elements; plain numbers straight into what is handed out.
func (h handle) data(t datatype, l *layout, scalar bool, n int, limit int64) (any, error) {
	if n == 0 {
		return l.decode(0, nil), nil
	}
	switch l.typ.Kind {
	case Int, Enum:
		return numbers[int64](h, t, l, scalar, n, limit)
	case Uint:
		return numbers[uint64](h, t, l, scalar, n, limit)
	case Float:
		return numbers[float64](h, t, l, scalar, n, limit)
	}
	var data any
	buf := make([]byte, n*l.size)
	err := h.read(t, l, scalar, unsafe.Pointer(&buf[0]), limit, func() { data = l.decode(n, buf) })
	return data, err
}

func numbers[T int64 | uint64 | float64](h handle, t datatype, l *layout, scalar bool, n int, limit int64) (any, error) {
	data := make([]T, n)
	err := h.read(t, l, scalar, unsafe.Pointer(&data[0]), limit, func() {})
	return data, err
}

// Read reads a dataset. The path is absolute or relative to the root; repeated
// and trailing slashes do no harm; links are followed. Errors wrap ErrNotFound
// for a path that leads nowhere, ErrUnsupported for a type without a form in
// metadata, and tell when a filter's plugin is missing, the path is a group, or
// the value passes OpenOptions.MaxBytes.
func (f *File) Read(path string) (Value, error) {
	var v Value
	err := f.do(path, path, func(file int64, path string) error {
		d, err := f.file.OpenDataset(path)
		if err != nil {
			return f.notDataset(file, path, lastError())
		}
		h := datasetHandle(d.ID())
		v, err = h.value(f.maxBytes)
		if err != nil {
			err = h.explain(err)
		}
		return closing(d, err)
	})
	if errors.Is(err, ErrBroken) {
		return Value{}, err
	}
	return v, err
}

// Attr reads an attribute of the group or dataset at path. Errors are those of
// Read; ErrNotFound also stands for an absent attribute.
func (f *File) Attr(path, name string) (Value, error) {
	var v Value
	err := f.do(path, fmt.Sprintf("attribute %q of %s", name, path), func(file int64, path string) error {
		if err := checkName(name); err != nil {
			return fmt.Errorf("attribute %q: %w", name, err)
		}
		h, err := openAttribute(file, path, name)
		if err == nil {
			v, err = h.value(f.maxBytes)
			h.closeAttribute()
		}
		if err != nil {
			return fmt.Errorf("attribute %q: %w", name, err)
		}
		return nil
	})
	if errors.Is(err, ErrBroken) {
		return Value{}, err
	}
	return v, err
}

// notDataset says why the dataset at path does not open.
func (f *File) notDataset(file int64, path string, err *libraryError) error {
	if !err.badType {
		return err
	}
	switch o, e := objectAt(file, path); {
	case e != nil:
		return err
	case o == objectGroup:
		return errors.New("is a group, not a dataset")
	case o == objectType:
		return errors.New("is a named datatype, not a dataset")
	}
	return err
}

// explain names the filter that a failed read lacked: libhdf5's own account
// does not tell what to do.
func (h handle) explain(err error) error {
	var own *libraryError
	if !errors.As(err, &own) {
		return err
	}
	s, e := h.storage()
	if e != nil {
		return err
	}
	for _, f := range s.filters {
		if !f.available {
			return fmt.Errorf("needs the HDF5 filter %v: install its plugin and name the folder in HDF5_PLUGIN_PATH: %w", f, err)
		}
	}
	return err
}
