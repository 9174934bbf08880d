#!/usr/bin/env python3
"""Writes golden.json: every dataset and attribute of the files here as h5py reads them.

Values are texts that compare exactly: integers in decimal, floats as the hexadecimal digits of their double, text as
hexadecimal bytes. Null: no value. A fault: the word "unsupported" or "missing"."""
import json
import pathlib
import struct

import h5py
import numpy as np

here = pathlib.Path(__file__).parent
FILES = ["kinds.hdf", "kinds2.hdf", "order.hdf", "ext_target.hdf", "extra.hdf", "swmr.hdf"]


def double(x):
    return struct.pack(">d", float(x)).hex()


def kind(t):
    """The kind, the size in the file and the byte order of the elements of a low-level type."""
    c = t.get_class()
    if c == h5py.h5t.ARRAY:
        return kind(t.get_super())
    size = t.get_size()
    if c == h5py.h5t.ENUM:
        names = {t.get_member_name(i).decode(): t.get_member_value(i) for i in range(t.get_nmembers())}
        return "bool" if names == {"FALSE": 0, "TRUE": 1} else "enum", size
    if c == h5py.h5t.INTEGER:
        return "int" if t.get_sign() == h5py.h5t.SGN_2 else "uint", size
    if c == h5py.h5t.FLOAT:
        return "float", size
    if c == h5py.h5t.STRING:
        return ("text", 0) if t.is_variable_str() else ("fixed", size)
    if c == h5py.h5t.COMPOUND:
        return "complex" if t.dtype.kind == "c" else "compound", size
    return {h5py.h5t.OPAQUE: "opaque", h5py.h5t.VLEN: "sequence", h5py.h5t.REFERENCE: "reference"}[c], size


def element(x, dt):
    """One element as text or, of a compound, a list of [name, shape, elements]."""
    if dt.names:
        out = []
        for n in dt.names:
            sub = dt.fields[n][0]
            shape, base = (sub.subdtype[1], sub.subdtype[0]) if sub.subdtype else ((), sub)
            out.append([n, list(shape), flat(x[n], base)])
        return out
    if dt.kind in "iu":
        return str(int(x))
    if dt.kind == "b":
        return "true" if x else "false"
    if dt.kind == "f":
        return double(x)
    if dt.kind == "c":
        return double(x.real) + double(x.imag)
    if isinstance(x, str):
        x = x.encode("utf-8", "surrogateescape")
    if x == 0:
        x = b""  # an element that was never set
    return bytes(x).hex()


def flat(a, dt):
    a = np.asarray(a, dtype=dt if dt.kind != "O" else object)
    return [element(x, dt) for x in a.reshape(-1)]


def value(obj, tid, sid, read):
    k, size = kind(tid)
    out = {"kind": k, "size": size}
    if sid.get_simple_extent_type() == h5py.h5s.NULL:
        out["null"] = True
        return out
    if k in ("opaque", "sequence", "reference"):
        out["unsupported"] = True
        return out
    v = read()
    dt = obj.dtype if not obj.dtype.subdtype else obj.dtype.subdtype[0]
    if isinstance(v, h5py.Empty):
        raise SystemExit("empty")
    a = np.asarray(v, dtype=object) if dt.kind == "O" else np.asarray(v)
    out["shape"] = list(a.shape)
    out["data"] = [element(x, dt) for x in a.reshape(-1)] if dt.names or dt.kind == "O" else flat(a, dt)
    return out


class Attribute:
    def __init__(self, aid):
        self.dtype = aid.dtype


def attributes(obj):
    out = {}
    for n in obj.attrs:
        a = obj.attrs.get_id(n)
        t = a.get_type()

        def read():
            v = obj.attrs[n]
            return v
        holder = Attribute(a)
        if kind(t)[0] == "text" and a.get_space().get_simple_extent_type() != h5py.h5s.NULL:
            holder.dtype = np.dtype("O")
        out[n] = value(holder, t, a.get_space(), read)
    return out


def walk(group, path, out, seen):
    names = list(group)
    out[path or "/"] = {"children": names, "attributes": attributes(group)}
    for n in names:
        p = path + "/" + n
        try:
            obj = group[n]
        except (KeyError, OSError, RuntimeError):  # RuntimeError: a loop of soft links
            out[p] = {"missing": True}
            continue
        if isinstance(obj, h5py.Group):
            key = (obj.file.filename, h5py.h5o.get_info(obj.id).addr)
            if key not in seen:
                walk(obj, p, out, seen | {key})
        elif isinstance(obj, h5py.Dataset):
            out[p] = value(obj, obj.id.get_type(), obj.id.get_space(), lambda: obj[()])
            out[p]["attributes"] = attributes(obj)


golden = {}
for name in FILES:
    with h5py.File(here / name, "r", swmr=name == "swmr.hdf") as f:
        golden[name] = {}
        walk(f, "", golden[name], {(f.filename, h5py.h5o.get_info(f.id).addr)})
with open(here / "golden.json", "w") as o:
    lines = []
    for name, items in golden.items():
        body = ",\n".join(json.dumps(p) + ": " + json.dumps(v, separators=(",", ":")) for p, v in items.items())
        lines.append(json.dumps(name) + ": {\n" + body + "\n}")
    o.write("{\n" + ",\n".join(lines) + "\n}\n")
