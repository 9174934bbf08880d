#!/usr/bin/env python3
"""Makes, beside this script: extra.hdf, kinds of HDF5 values that kinds.hdf lacks; swmr.hdf and marked.hdf, as a
SWMR writer and a plain writer leave them in the middle; plugin.hdf, which needs a filter that no one has. Needs h5py,
numpy."""
import pathlib
import shutil

import h5py
import numpy as np

here = pathlib.Path(__file__).parent
text = h5py.string_dtype("utf-8")
with h5py.File(here / "extra.hdf", "w", track_order=True) as f:
    for t in "i2 i4 i8 u2 u4 u8 f2 f4 f8".split():
        f["be_" + t] = np.array([1, 2, 100], dtype=">" + t)
        f["le_" + t] = np.array([[1, 2], [3, 4], [5, 6]], dtype="<" + t)
    f["neg_be_i2"] = np.array([-1, -32768, 32767], ">i2")
    f["u8_all"] = np.array([2**64 - 1, 2**63, 0], "u8")
    f["i1_all"] = np.array([-128, 127, -1], "i1")
    f["u1_all"] = np.array([0, 255], "u1")
    f["f2_sub"] = np.array([6e-8, 65504, -0.0, np.inf], "f2")
    f["bool_2d"] = np.array([[True, False], [False, True]])
    f["enum_u2_be"] = np.array([1, 65535], dtype=h5py.enum_dtype({"A": 1, "Z": 65535}, basetype=">u2"))
    f["enum_i8"] = np.array(-5, dtype=h5py.enum_dtype({"NEG": -5, "POS": 5}, basetype="i8"))
    f["enum_like_bool"] = np.array(1, dtype=h5py.enum_dtype({"FALSE": 1, "TRUE": 0}, basetype="i1"))
    inner = np.dtype([("n", "<i2"), ("v", ">f4", (2,))])
    deep = np.dtype([("id", "u8"), ("in", inner), ("t", "S4"), ("ok", "?"), ("z", "c16"), ("m", "i4", (2, 2))])
    rows = np.zeros(3, deep)
    rows["id"] = [2**64 - 1, 1, 2]
    rows["in"]["n"] = [-1, 5, 6]
    rows["in"]["v"] = [[1.5, 2.5], [0, -1], [1e30, 1e-30]]
    rows["t"] = [b"abcd", b"", b"x"]
    rows["ok"] = [True, False, True]
    rows["z"] = [1 + 2j, 0, -1j]
    rows["m"] = np.arange(12).reshape(3, 2, 2)
    f["compound_deep"] = rows
    f["compound_2d"] = np.array([[(1, 2)], [(3, 4)]], dtype=[("a", "u1"), ("b", "i8")])
    vs = np.dtype([("name", text), ("n", "i4")])
    f["compound_vlen"] = np.array([("first", 1), ("zwei é", 2)], dtype=vs)
    f["complex_a"] = np.array([1 + 1j, 2 - 0.5j], "c8")
    f["complex_be"] = np.array([1 + 1j], ">c16")
    f["almost_complex"] = np.array([(1, 2.5)], dtype=[("r", "i4"), ("i", "f8")])
    # An array type as the type of a dataset, which h5py's high level flattens.
    at = h5py.h5t.array_create(h5py.h5t.STD_I32BE, (2, 3))
    d = h5py.h5d.create(f.id, b"array_type", at, h5py.h5s.create_simple((2,)))
    d.write(h5py.h5s.ALL, h5py.h5s.ALL, np.arange(12, dtype="i4").reshape(2, 2, 3), mtype=h5py.h5t.array_create(h5py.h5t.NATIVE_INT32, (2, 3)))
    d = h5py.h5d.create(f.id, b"array_scalar", at, h5py.h5s.create(h5py.h5s.SCALAR))
    d.write(h5py.h5s.ALL, h5py.h5s.ALL, np.arange(6, dtype="i4").reshape(2, 3), mtype=h5py.h5t.array_create(h5py.h5t.NATIVE_INT32, (2, 3)))
    # Fixed text: ended by a NUL, with rubbish after it; padded with spaces.
    for name, pad in (("fixed_nullterm", h5py.h5t.STR_NULLTERM), ("fixed_spacepad", h5py.h5t.STR_SPACEPAD), ("fixed_nullpad", h5py.h5t.STR_NULLPAD)):
        t = h5py.h5t.C_S1.copy()
        t.set_size(6)
        t.set_strpad(pad)
        d = h5py.h5d.create(f.id, name.encode(), t, h5py.h5s.create_simple((3,)))
        d.write(h5py.h5s.ALL, h5py.h5s.ALL, np.array([b"ab\x00cde", b"x     ", b"full66"], "S6"), mtype=t)
    f.create_dataset("text_many", data=["t%d é" % i for i in range(1000)], dtype=text, chunks=(300,), compression="gzip")
    f.create_dataset("text_long", data="é" * 20000, dtype=text)
    f.create_dataset("text_unset", shape=(3,), dtype=text)
    f.create_dataset("lzf", data=np.arange(1000, dtype="i4") // 7, compression="lzf", chunks=(100,))
    f.create_dataset("lzf_shuffle", data=np.arange(3000, dtype="f8").reshape(30, 100) // 11, compression="lzf", shuffle=True, chunks=(10, 50))
    f.create_dataset("scaleoffset", data=np.arange(100, dtype="i4"), scaleoffset=0, chunks=(10,))
    f.create_dataset("gzip9_2d", data=np.arange(600, dtype=">u2").reshape(20, 30), compression="gzip", compression_opts=9, shuffle=True, fletcher32=True, chunks=(7, 11))
    f.create_dataset("unlimited_empty", shape=(0, 4), maxshape=(None, 4), dtype="f4", chunks=(10, 4))
    f.create_dataset("fill_chunks", shape=(6,), dtype="i2", chunks=(2,), fillvalue=-3)
    f.create_dataset("one", data=np.array([[[7]]], "u2"))
    g = f.create_group("attrs", track_order=True)
    for name, v in {"z_text": "é", "a_fixed": np.bytes_(b"mm"), "i": np.int16(-7), "u": np.array([1, 2**64 - 1], "u8"), "f": np.float32(0.1), "b": np.bool_(True),
                    "e": h5py.Empty("f8"), "c": np.complex128(1 - 2j), "deep": rows, "m": np.arange(6, dtype=">i4").reshape(2, 3)}.items():
        g.attrs[name] = v
    g.attrs.create("texts", ["x", "", "é"], dtype=text)
    g.attrs.create("enum", 5, dtype=h5py.enum_dtype({"NEG": -5, "POS": 5}, basetype="i8"))
    f.create_group("é group")["ä"] = "umlaut"
    f["named_type"] = np.dtype("f4")
    f["loop"] = h5py.SoftLink("/loop")
    f["up"] = h5py.SoftLink("/")
    f["through"] = h5py.SoftLink("é group")
    f["external_group"] = h5py.ExternalLink("ext_target.hdf", "/g")
    big = f.create_group("dense")
    for i in range(20):
        big["m%02d" % (19 - i)] = i
with h5py.File(here / "swmr.tmp", "w", libver=("v110", "v110")) as f:
    f["title"] = "written by SWMR"
    d = f.create_dataset("time", shape=(4,), maxshape=(None,), chunks=(4,), dtype="i8")
    f.flush()
    f.swmr_mode = True
    d[:] = [1, 2, 3, 4]
    d.flush()
    shutil.copy(here / "swmr.tmp", here / "swmr.hdf")  # as a reader beside the writer sees it
(here / "swmr.tmp").unlink()
with h5py.File(here / "marked.tmp", "w", libver=("v110", "v110")) as f:
    f["title"] = "not closed"
    f.flush()
    shutil.copy(here / "marked.tmp", here / "marked.hdf")
(here / "marked.tmp").unlink()
with h5py.File(here / "plugin.hdf", "w") as f:
    p = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    p.set_chunk((4,))
    p.set_filter(333, h5py.h5z.FLAG_OPTIONAL, ())
    d = h5py.h5d.create(f.id, b"filtered", h5py.h5t.STD_I32LE, h5py.h5s.create_simple((4,)), p)
    d.write_direct_chunk((0,), b"not what the filter makes")
    f["plain"] = 1
