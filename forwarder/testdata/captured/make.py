"""Writes the inputs of the recordings in this folder, or of those named; see README.md."""
import base64
import collections
import hashlib
import json
import os
import pickle
import random
import sys
import uuid

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
random.seed(1)
T0 = 1795300000000


def b64(b):
    return base64.b64encode(b if isinstance(b, bytes) else b.encode()).decode()


def uid(text):
    h = bytearray(hashlib.sha256(text.encode()).digest()[:16])
    h[6], h[8] = h[6] & 15 | 64, h[8] & 63 | 128
    return str(uuid.UUID(bytes=bytes(h)))


def assignments(streams, n, pattern=None):
    """n events: 0 to both, then of all kinds; batches of several sizes."""
    out = []
    e = 0
    while len(out) < n:
        if e % 7 == 3:
            a = {"otherstream": ["w1"]}
        elif e % 7 == 2:
            a = {s: [] for s in streams}
        elif e == 0 or e % 11 == 5:
            a = {s: ["w1", "w2"] for s in streams}
        elif len(streams) > 1 and e % 7 == 4:
            a = {s: ["w%d" % (i % 2 + 1)] for i, s in enumerate(streams)}
        elif len(streams) > 1 and e % 7 == 6:
            a = {streams[e // 7 % len(streams)]: ["w2"]}
        else:
            a = {s: ["w%d" % (e % 2 + 1)] for s in streams}
        out.append({"event_number": e, "assignments": a})
        e += 1
    entries, i, size = [], 0, 1
    while i < len(out):
        entries.append(out[i:i + size])
        i, size = i + size, size * 2
    return [{"id": f"{T0}-{k}", "data": json.dumps(x, separators=(",", ":"))} for k, x in enumerate(entries)]


def case(name, cls, upstream, inputs, about, streams=None, n=40, params=None, apart=0, dump_name=None, key=None):
    if sys.argv[1:] and name not in sys.argv[1:]:
        return
    streams = streams or ["det"]
    d = os.path.join(HERE, name)
    os.makedirs(d, exist_ok=True)
    mu, before = uid(name), uid(name + " before")
    params = params or {}
    versions = {k: uid(name + k) for k in params}
    digest = hashlib.sha256(b"".join(uuid.UUID(versions[k]).bytes for k in sorted(versions))).hexdigest()
    base = {"mapping_uuid": mu, "parameters_version": versions, "target_parameters_hash": None, "active_streams": [], "finished": False}
    updates = []
    if params:
        # Parameters come before the mapping, as in life: the controller is running already.
        updates.append(dict(base, mapping_uuid=before, target_parameters_hash=digest))
    updates.append(dict(base, active_streams=streams + ["otherstream"]))
    updates.append(dict(base, finished=True))
    config = {
        "ingester_class": cls, "upstream": upstream, "streams": streams, "mapping_uuid": mu,
        "config_key": f"dranspose:ingester:{'_'.join(streams)}-ingester:config",
        "config_after_data": None, "config_after_finish": None, "config_ttl_at_end": 0, "ready": [], "sigterm_exit": 0,
        "config_deleted_on_sigterm": True, "about": about,
        "keys": {f"dranspose:parameters:{k}:{versions[k]}": v for k, v in params.items()},
    }
    if dump_name:
        config["dump_name"] = dump_name.format(mu=mu)
    if apart:
        config["apart_ms"] = apart
    json.dump(config, open(f"{d}/config.json", "w"), indent=1)
    with open(f"{d}/assigned.jsonl", "w") as f:
        for a in assignments(streams, n):
            f.write(json.dumps(a) + "\n")
    with open(f"{d}/updates.jsonl", "w") as f:
        for i, u in enumerate(updates):
            f.write(json.dumps({"id": f"{T0 + 1 + i}-0", "data": json.dumps(u, separators=(",", ":"))}) + "\n")
    with open(f"{d}/input.jsonl", "w") as f:
        for i, x in enumerate(inputs):
            if isinstance(x, dict):
                f.write(json.dumps({"i": i, **x}) + "\n")
            else:
                f.write(json.dumps({"i": i, "frames": [b64(p) for p in (x if isinstance(x, (list, tuple)) else [x])]}) + "\n")


J = json.dumps


def blob(n):
    return bytes(random.randrange(256) for _ in range(n))


# ---- STINS
def image(i, **kw):
    return [J({"htype": "image", "frame": i, "shape": [2, 2], "type": "uint8", "compression": "none", "msg_number": i + 1, **kw}), blob(4)]


head = J({"htype": "header", "filename": "/data/a.h5", "msg_number": 0})
end = J({"htype": "series_end", "msg_number": 99})

case("stins_numbers", "ZmqPullSingleIngester", "push", [head] + [
    image(0, **kw) for kw in [
        {"msg_number": 7.0}, {"msg_number": "7"}, {"msg_number": 7.5}, {"msg_number": " 7 "}, {"msg_number": "7.0"}, {"msg_number": "7.5"},
        {"msg_number": True}, {"msg_number": "true"}, {"msg_number": None}, {"msg_number": "1_000"}, {"msg_number": "+7"}, {"msg_number": "-7"},
        {"msg_number": "0x7"}, {"msg_number": "1e3"}, {"msg_number": 1e3}, {"msg_number": 2**63}, {"msg_number": 2**200}, {"msg_number": -2**70},
        {"msg_number": str(2**100)}, {"msg_number": 1e22}, {"msg_number": ""}, {"msg_number": [1]}, {"msg_number": "٧"}, {"msg_number": "007"},
        {"shape": [2.0, "2"]}, {"shape": [2.5]}, {"shape": []}, {"shape": None}, {"shape": "2"}, {"shape": {"a": 1}}, {"shape": [True]}, {"shape": [2**80]},
        {"type": 7}, {"type": ""}, {"type": None}, {"compression": None}, {"compression": 1}, {"frame": "12"}, {"frame": 3.0}, {"frame": -1},
        {"frame": None}, {"htype": "image", "extra": {"deep": [1, {"x": None}]}}, {"frame": "7."}, {"frame": ".7"}, {"frame": "7.00"}, {"frame": "1__0"}, {"frame": "_1"}, {"frame": "--1"}, {"frame": "- 1"},
    ]] + [end], "numbers as pydantic takes them: texts, floats, booleans, any size", n=70)

case("stins_classes", "ZmqPullSingleIngester", "push", [
    J({"msg_number": 1}), J({"filename": "x"}), J([1, 2]), J("header"), "null", "7", "", "{", J({"htype": "header"}), J({"htype": "header", "msg_number": 1}),
    J({"msg_number": 1, "filename": "by its fields"}),
    J({"htype": "header", "filename": "swallowed", "msg_number": 1}),
    [J({"frame": 1, "shape": [1], "type": "u1", "compression": "none", "msg_number": 3}), "without htype"],
    [J({"frame": 2, "shape": [1], "type": "u1", "compression": "none", "msg_number": 3, "filename": "both"}), "image with a filename"],
    [J({"htype": "Image", "frame": 1, "shape": [1], "type": "u1", "compression": "none", "msg_number": 3}), "capital"],
    [J({"htype": None, "frame": 1, "shape": [1], "type": "u1", "compression": "none", "msg_number": 3}), "null"],
    J({"htype": "series_end"}), J({"htype": "image", "msg_number": 4}),
    [J({"htype": "image", "frame": 5, "shape": [1], "type": "u1", "compression": "none", "msg_number": 3})],
    [J({"htype": "image", "frame": 6, "shape": [1], "type": "u1", "compression": "none", "msg_number": 3}), "", "third", ""],
    J({"msg_number": 5, "note": "an end by its fields"}),
    image(9), head, end,
], "what a message is, when htype is missing or wrong")

case("stins_json", "ZmqPullSingleIngester", "push", [
    head,
    ['{"htype":"image","htype":"header","frame":1,"shape":[1],"type":"u1","compression":"none","msg_number":1,"filename":"f"}', "duplicate htype"],
    ['{"htype":"header","htype":"image","frame":1,"shape":[1],"type":"u1","compression":"none","msg_number":1}', "duplicate the other way"],
    ['\ufeff{"htype":"image","frame":1,"shape":[1],"type":"u1","compression":"none","msg_number":1}', "bom"],
    ['  \n\t{"htype":"image","frame":1,"shape":[1],"type":"u1","compression":"none","msg_number":1}  \r\n', "blanks"],
    ['{"htype":"image","frame":1,"shape":[1],"type":"u1","compression":"none","msg_number":1} x', "garbage behind"],
    ['{"\\u0068type":"im\\u0061ge","frame":1,"shape":[1],"type":"u1","compression":"none","msg_number":1}', "escapes"],
    [b'{"htype":"image","frame":1,"shape":[1],"type":"u\xff","compression":"none","msg_number":1}', "bad utf-8"],
    ['{"htype":"image","frame":1,"shape":[1],"type":"u1","compression":"none","msg_number":1,"x":NaN}', "NaN"],
    ['{"htype":"image","frame":1,"shape":[1],"type":"u1","compression":"none","msg_number":1,"x":-Infinity}', "infinity"],
    ['{"htype":"image","frame":1,"shape":[1],"type":"u1","compression":"none","msg_number":1,"x":nan}', "small nan"],
    ['{"htype":"image","frame":1,"shape":[1],"type":"u1","compression":"none","msg_number":1,}', "trailing comma"],
    ['{"htype":"image","frame":01,"shape":[1],"type":"u1","compression":"none","msg_number":1}', "leading zero"],
    ['{"htype":"image","frame":+1,"shape":[1],"type":"u1","compression":"none","msg_number":1}', "plus"],
    ['{"htype":"image","frame":1.,"shape":[1],"type":"u1","compression":"none","msg_number":1}', "point"],
    ['{"htype":"image","frame":-0,"shape":[1],"type":"u1","compression":"none","msg_number":1}', "minus zero"],
    ['{"htype":"image","frame":1e0,"shape":[1],"type":"u1","compression":"none","msg_number":1}', "exponent"],
    ['{"htype":"image","frame":1,"shape":[1],"type":"u1","compression":"none","msg_number":1,"s":"\\ud800"}', "half a surrogate"],
    ['{"htype":"image","frame":1,"shape":[1],"type":"u1","compression":"none","msg_number":1,"s":"a\nb"}', "raw newline"],
    ['{"htype":"image","frame":1,"shape":[1],"type":"\\ud83d\\ude00","compression":"none","msg_number":1}', "a pair"],
    ['{"htype":"image","frame":1,"shape":[1],"type":"u1","compression":"none","msg_number":1,"d":' + "[" * 150 + "]" * 150 + "}", "deep"],
    ['{"htype":"image","frame":1,"shape":[1],"type":"u1","compression":"none","msg_number":1,"d":' + "[" * 300 + "]" * 300 + "}", "deeper"],
    ["{'htype':'image'}", "single quotes"],
    ['{"htype":"image","frame":9,"shape":[1],"type":"u1","compression":"none","msg_number":1}', "good"],
    end,
], "JSON at its edges")

# ---- Eiger
case("eiger_shapes", "ZmqPullEigerLegacyIngester", "push", [
    J({"htype": "dimage-1.0", "frame": 0}), J({"htype": "dheader-1.1"}), J({"series": 1}),
    [J({"htype": "dheader-1.0", "series": 1, "header_detail": "all"}), J({"beam": 1}), blob(20), "appendix"],
    [J({"htype": "dimage-1.0", "series": 1, "frame": 0, "hash": "x"}), J({"htype": "dimage_d-1.0", "shape": [2]}), blob(9), J({"htype": "dconfig-1.0"})],
    [J({"htype": "dimage-1.0", "series": 1, "frame": 1}), J({"htype": "dimage_d-1.0"}), blob(9), J({"htype": "dconfig-1.0"}), "appendix"],
    [J({"htype": "dimage-1.0", "frame": "2"}), b""], [J({"htype": "dimage-1.0", "frame": 3.0})], [J({"htype": "dimage-1.0"}), "no frame"],
    [J({"frame": 4}), "by its field"], [J({"htype": "dimage-1.0", "frame": -5, "series": "x"})], [J({"htype": "dimage-2.0", "frame": 4})],
    J({"htype": "dheader-1.0"}), [J({"htype": "dseries_end-1.0", "series": 1}), "more"], image(1), J({"htype": "dheader-1.0"}),
], "parts of all numbers, missing fields")

case("eiger_empty_object", "ZmqPullEigerLegacyIngester", "push", [
    J({}), [J({"htype": "dimage-1.0", "frame": 1}), "a"], J({}), [J({"htype": "dimage-1.0", "frame": 2}), "b"], J({"htype": "dseries_end-1.0"}),
], "an object without known fields")

# ---- Contrast
started = dict(status="started", path="/data/x", scannr=2, description="mesh", snapshot={"a": 0.5})
running = dict(status="running", dt=1.5, sx=-2.0, pseudo={"x": np.array([-2.0])}, n=np.float64(2), ok=True, none=None)
finished = dict(started, status="finished")
P = pickle.dumps
run = []
for p in range(6):
    run += [P(running, p), P(collections.OrderedDict(running), p), P(dict(status="running", dt=p, big=2**70, neg=-5, s={1, 2}, fs=frozenset([3]), by=b"ab", ba=bytearray(b"cd"), c=1j, t=(1, 2, 3, 4), e=(), l=[], txt="ü€😀"), p)]
case("contrast_protocols", "ZmqSubContrastIngester", "pub",
     [P(dict(status="heartbeat"), p) for p in range(6)] + [P(started, 0)] + run + [P(dict(status="heartbeat"), 4), P(finished, 5)],
     "pickles of protocols 0 to 5, numpy arrays, OrderedDict", n=40)

shared = "running"
vals = [
    {"dt": 1}, {"dt": 1.5}, {"dt": "1.5"}, {"dt": True}, {"dt": "x"}, {"dt": None}, {"dt": 2**70}, {"dt": float("nan")}, {"dt": float("inf")},
    {"dt": np.float64(1.5)}, {"dt": np.float32(1.5)}, {"dt": np.int64(1)}, {"dt": b"1.5"}, {"dt": " 1.5 "}, {"dt": "1e3"}, {"dt": "nan"}, {"dt": [1]},
    {"status": "running"}, {"status": b"running", "dt": 1}, {"status": "Running", "dt": 1}, {"status": None, "dt": 1},
    {"status": "running", "dt": 1, 5: "a key that is no text"}, {"status": "running", "dt": 1, b"k": 1}, {"status": "running", "dt": 1, None: 1}, {"status": "running", "dt": 1, "": 1},
    {"path": "p", "scannr": 1, "description": "d"}, {"status": "running", "dt": 1, "path": "p", "scannr": 1, "description": "d"},
    {"dt": 1, "path": "p", "scannr": 1, "description": "d"},
]
lists = [[1, 2], "text", 7, None, (1,), set(), [("status", "running"), ("dt", 1)]]
case("contrast_values", "ZmqSubContrastIngester", "pub",
     [P(dict(started, scannr=x)) for x in ["x", 2.5, None, [1]]] + [P(dict(started, path=3)), P({"status": "started", "path": "p"}), P(finished), P(running), P(dict(started, scannr="2", path=""), 2)] +
     [P(v, 4) for v in vals] + [P(v, 2) for v in vals[:9]] + [P(x) for x in lists] + [b"", b".", b"N.", b"\x80\x04N", P(running)[:-3], P(running) + b"behind", b"(lp0\n.", b"cos\nsystem\n.", b"\x80\x09N."] +
     [P(dict(finished, scannr=3.0)), P(running)],
     "values, missing keys, keys that are no texts, things that are no dicts", n=80)

case("contrast_numpy_values", "ZmqSubContrastIngester", "pub",
     [P(started), P({"dt": np.array([1.0])}), P({"dt": np.array(1.0)}), P({"dt": np.array([1.0, 2.0])}), P({"dt": np.bool_(True)}), P({"dt": 1, "status": np.str_("running")}), P({"dt": np.int32(3)}), P({"dt": np.float16(0.5)}), P(dict(finished, scannr=np.int64(2)))],
     "numpy values in the fields that are looked at")

case("contrast_by_fields", "ZmqSubContrastIngester", "pub",
     [P({"path": "p", "scannr": 1, "description": "d"}), P({"dt": 1}), P({"dt": 1, "status": "running"}), P({"status": "finished"}), P({"status": "finished", "path": "p", "scannr": 2, "description": ""})],
     "without status")


class Odd(dict):
    pass


memo = "status"
case("contrast_memo", "ZmqSubContrastIngester", "pub",
     [P(dict(started, again=[memo, memo, {"status": memo}]), p) for p in (0,)] +
     [P({"a": [memo, {memo: "finished", "dt": "x"}], memo: "running", "dt": 0.25}, p) for p in range(6)] +
     [P(collections.OrderedDict([("dt", 1), ("status", "running")]), p) for p in range(6)] +
     [P({str(i): i for i in range(1500)} | {"status": "running", "dt": 1}, p) for p in (2, 4)] +
     [P({"status": "running", "dt": 1, "a": np.arange(3000.0)}, p) for p in (2, 4, 5)] +
     [P({"status": "running", "dt": 1, "a": np.array(["x", "yy"]), "b": np.zeros((2, 3), ">i2"), "c": np.array([(1, 2.0)], dtype=[("p", "i4"), ("q", "f8")]), "d": np.bool_(True)}, p) for p in (2, 4)] +
     [P(finished, 2)], "memo, long dicts, large and odd arrays", n=40)

# ---- Xspress
xh = J({"htype": "header", "filename": "/data/xs.h5"})


def xi(i, **kw):
    d = {"htype": "image", "frame": i, "shape": [2, 8], "exptime": 0.1, "type": "uint32", "compression": "none", **kw}
    return J({k: v for k, v in d.items() if v != "gone"})


case("xspress_mixed", "ZmqSubXspressIngester", "pub", [
    [xh, "two parts"], [xi(0), blob(8), "m"], xh,
    [xi(1), blob(16), P([1])], xi(2), blob(16), P([2]), [xi(3), blob(16), P([3])],
    xi(4), [blob(8), "two", "three"], ["meta", "of two"],
    [xi(5), "in two parts"], "its image", "its meta", [xi(6), "a", "b", "c"], "image of six", "meta of six",
    xi(7), J({"htype": "series_end"}), "taken blindly",
    [xi(8, exptime=None), "a", "b"], [xi(9, compression=None), "a", "b"], [xi(10, exptime="gone", compression="gone"), "a", "b"], [xi(11, exptime="0.5"), "a", "b"],
    [xi(12, shape="gone"), "a", "b"], [xi(13, type="gone"), "a", "b"], [xi(14, frame="gone"), "a", "b"], [xi(15, exptime="x"), "a", "b"], [xi(16, htype="gone"), "a", "b"], [xi(17, frame="17"), "a", "b"], [xi(18, frame=18.0, exptime=1), "a", "b"],
    "not json", ["{", "a", "b"], xh, [J({"htype": "series_end"}), "with", "parts"], xi(19),
], "both layouts in one series")

case("xspress_empty_object", "ZmqSubXspressIngester", "pub", [
    J({}), J({"filename": "x"}), [xi(1), "a", "b"], [J({"x": 1}), "an end"], [xi(2), "a", "b"],
], "objects without known fields")


# ---- PCAP
def pc(i, raw=None, **kw):
    head = {"message_id": i, "version": 1, "message_type": "data", "frame_number": i}
    text = J({**head, **kw})
    return text[:-1] + ((", " + raw) if raw else "") + "}"


ps = J({"message_id": 1, "version": 1, "message_type": "series-start", "arm_time": "2024-10-07T08:49:10.627Z"})
pe = J({"message_id": 9, "version": 1, "message_type": "series-end"})
numbers = ["1", "1.0", "-0.0", "-0", "0.1", "1e22", "1E22", "1e+22", "1e-7", "1.5e300", "5e-324", "1e400", "-1e400", "1e15", "1e16", "1e17", "123456789012345678", "1234567890123456789012345", "-170141183460469231731687303715884105728",
           "0.30000000000000004", "100000.0", "1e5", "1e-5", "0.0001", "0.00001", "123456.789e3", "9007199254740993.0", "4.35", "2.5e-8", "1e21", "1.7976931348623157e308", "NaN", "Infinity", "-Infinity", "true", "false", "null",
           '"text"', '"\\u00e9\\ud83d\\ude00 \\" \\\\ \\/ \\b\\f\\n\\r\\t \\u0001 \\u007f \\u2028"', '"<a&b>"', '[1, 2.0]', '{"a": [1e22, {"b": null}], "c": "x"}', "[]", "{}"]
case("pcap_numbers", "ZmqSubPCAPIngester", "pub", [ps] + [pc(0, f'"v": [{x}], "scalar": 1') for x in numbers] + [pc(7, '"all": [1, 2, 3], "x": [1e22, -0.0, 1E-10], "s": {"k": [1, 2, 3.50]}, "big": 12345678901234567890123, "f": 1e23, "t": "\\u00fc"')] + [pe],
     "numbers and texts as pydantic writes them", n=90)

case("pcap_columns", "ZmqSubPCAPIngester", "pub", [pc(0, v=[1]), ps, pc(1), pc(2, v=[]), pc(3, v=[1, 2], w=[1]), pc(4, v=[1, 2], w=["a", None], z=7, d={"a": [1]}), pc(5, v=[[1, 2], [3]]), pc(6, v=[]), pc(7, v=[], w=[]),
    [pc(8, v=[1]), "second"], pc(9, v=[True, False, None]), J({"v": [1, 2], "frame_number": 10, "version": 1, "message_type": "data", "message_id": 3, "a": 1, "w": [3, 4]}),
    pc(11, message_id="12", v=[1]), pc(12, frame_number="12", v=[1, 2]), pc(13, frame_number=13.0, v=[1, 2]), pc(14, version=True, v=[1]), pc(15, version="1", v=[1]), pc(16, version=1.0, v=[1]), pc(17, version=2, v=[1]),
    pc(18, frame_number=2**70, v=[1, 2]), pc(19, frame_number=-1, v=[1, 2, 3]), pc(20, frame_number=True, v=[1]), pc(21, frame_number=None, v=[1]), pc(22, frame_number=[1], v=[1]), pc(23, message_id=[1], v=[1]),
    '{"message_id":1,"version":1,"message_type":"data","frame_number":1,"v":[1],"v":[2]}', '{"message_id":1,"version":1,"message_type":"data","frame_number":1,"v":[1],"w":[5],"v":2}',
    '{"frame_number":1,"message_id":1,"version":1,"message_type":"data","frame_number":5,"v":[1]}', "x", ps, [pe, "more"], pc(30, v=[1])],
     "columns of several lengths, odd header values, order of keys", n=60)

arm = ["2024-10-07T08:49:10.627Z", "2024-10-07 08:49:10", "2024-10-07T08:49:10+02:00", "2024-10-07", 1728290950, 1728290950.627, "1728290950", 1728290950627, "x", None, True, "2024-13-07T00:00:00Z", "08:49:10", "2024-10-07T08:49", "2024-10-07T24:00:00Z", -1, 1e30, "2024-10-07T08:49:10.123456789Z", "2024-10-07t08:49:10z", "2024-10-07_08:49:10", "2024-10-07T08:49:60Z", "1728290950.5", "", [1]]
case("pcap_arm_times", "ZmqSubPCAPIngester", "pub", [J({"message_id": 1, "version": 1, "message_type": "series-start", "arm_time": a, "k": k}) for k, a in enumerate(x for x in arm if x in ("x", None, True, "2024-13-07T00:00:00Z", "08:49:10", "", [1]) or x is True)] +
     [J({"message_id": 1, "version": 1, "message_type": "series-start"})] + [J({"message_id": 1, "version": 1, "message_type": "series-start", "arm_time": 1728290950627}), pc(1, v=[1]), pe], "times that are none before one that is")
for k, a in enumerate(arm):
    if k in (0, 1, 4, 5, 7, 21) or a in ("x", None, "", [1]) or a is True:
        continue
    case(f"pcap_arm_time_{k:02d}", "ZmqSubPCAPIngester", "pub", [J({"message_id": 1, "version": 1, "message_type": "series-start", "arm_time": a, "first": True}), J({"message_id": 1, "version": 1, "message_type": "series-start", "arm_time": "2024-10-07T08:49:10.627Z"}), pc(1, v=[1]), pe], f"a series with arm_time {a!r}", n=8)


# ---- Albaem
def al(i, **kw):
    return J({"message_id": i, "version": 1, "message_type": "data", "frame_number": i, "timestamp": 7.5, "acquisition_timestamp": 1704807770443944912, "channel1": -2.8e-11, **kw})


case("albaem_values", "ZmqSubAlbaemIngester", "pub", [al(0), J({"message_id": 1, "version": 2, "message_type": "series-start"}), J({"message_id": "1", "version": 1, "message_type": "series-start"}),
    al(1), [al(2), "two", "parts"], al(3, timestamp=3), al(4, timestamp="4.5"), al(5, timestamp=None), al(6, timestamp="x"), al(7, acquisition_timestamp=2**90), al(8, acquisition_timestamp=1.5), al(9, acquisition_timestamp="9"),
    al(10, version="1"), al(11, version=1.0), al(12, version=True), al(13, message_id=None), al(14, frame_number="14"), al(15, message_type="Data"), al(16, timestamp=True), al(17, timestamp=2**90), al(18, timestamp="inf"), al(19, timestamp="1_0.5"),
    '{"message_id":20,"version":1,"message_type":"data","frame_number":20,"timestamp":NaN,"acquisition_timestamp":1}', '{"message_id":21,"version":1,"message_type":"data","frame_number":21,"timestamp":1e999,"acquisition_timestamp":1}',
    J({"message_id": 1, "version": 1, "message_type": "series-start"}), J({"message_id": 1, "version": 1}), J({"message_id": 2, "version": 1, "message_type": "series-end", "frame_number": 1}), al(30)], "values of header fields", n=40)


# ---- Lecroy
def msg(what, **kw):
    return J({"htype": "msg", "what": what, **kw})


def trace(i, ch=2, **kw):
    return [J({"htype": "traces", "ch": ch, "ts": 1740563614.97, "frame": i, "shape": [1, 2], "horiz_offset": -1e-7, "horiz_interval": 1.25e-9, "dtype": "float64", **kw}), blob(16), "[1740563614.5]"]


def ss(i, n):
    return msg(1, frame=i, ntriggers=n, seqno=i, channels=[2, 4])


case("lecroy_continuous", "ZmqSubLecroyIngester", "pub", [msg(0, frame=0), ss(0, -1)] + sum([[trace(i, 2), trace(i, 4), msg(2, frame=i)] for i in range(5)], []) + [msg(3, frame=5, frames=5)], "continuous: the SeqStart goes in front of each event")
case("lecroy_sequential_odd", "ZmqSubLecroyIngester", "pub", [trace(0), ss(0, 2), msg(0, frame=0), trace(0), ss(0, 2), msg(0, frame=0), "x", ss(0, 2), msg(0, frame=7), ss(0, 2),
    trace(0), trace(0, 4), msg(2, frame=0), msg(2, frame=0), trace(1), ss(1, 2), ss(2, 2), trace(2), "bad", msg(0, frame=0), [J({"htype": "traces", "ch": 1}), "short"], [msg(2, frame=1), "end in", "parts"], ss(3, 2), trace(3), msg(3, frame=4, frames=4)],
     "a Prepare without its SeqStart, traces outside of sequences, leftovers")
case("lecroy_continuous_odd", "ZmqSubLecroyIngester", "pub", [msg(0, frame=0), [ss(0, -1), "two"], trace(0), msg(2, frame=0), msg(2, frame=1), ss(1, -1), trace(1), msg(2, frame=2), [trace(2)[0], trace(2)[1]], [trace(2)[0]], msg(2, frame=3), trace(4), msg(3, frame=3, frames=3), trace(9)],
     "continuous with a second SeqStart and short traces")
case("lecroy_values", "ZmqSubLecroyIngester", "pub", [J({"what": 0, "frame": 0}), msg(0, frame="0"), J({"htype": "msg", "what": 1, "frame": "0", "ntriggers": "2", "seqno": 0.0, "channels": [2, "4"]}), trace(0, ts="1.5"), trace(0, shape=None), trace(0, extra=1), trace(0, ch=True), trace(0, horiz_offset=0), J({"what": 2, "frame": 0}), J({"what": "1", "frame": 1, "ntriggers": 2, "seqno": 1, "channels": []}), J({"htype": "msg", "what": 1, "frame": 1, "ntriggers": 2, "seqno": 1, "channels": None}), trace(1), J({"htype": "msg", "what": 2.0, "frame": 1}), J({"htype": "msg", "what": 2, "frame": 1}), J({"frame": 2, "frames": 2, "what": 3})], "values and missing htype")


# ---- TCP
def arms(k, lines, endline, nl="\n"):
    return [f"arm_time: 2024-10-07T08:49:1{k}Z{nl}", f"missed: 0{nl}", f"fields:{nl}", f" COUNTER1.OUT double Value{nl}", nl] + [f" {x}{nl}" for x in lines] + [endline]


case("tcp_arms", "TcpPcapIngester", "tcp", ["noise\n"] + arms(0, ["1 2", "3 4"], "END 2 Ok\n") + ["between\n", "\n", "END stray\n"] + arms(1, [], "END 0 Disarmed\n") + arms(2, ["", " ", "arm_time: inside", "END is not first", "7"], "ENDING\n") + arms(3, ["crlf"], "END 1\r\n", "\r\n") + ["arm_time: short\n", "\n", "1\n", "END\n", "arm_time:none\n", " arm_time: blank\n", "arm_time: \n", " \t \n", b"\xff\x00\n", "END 9\n"], "several arms, noise between them, empty lines", n=60)
case("tcp_pieces", "TcpPcapIngester", "tcp", ["arm_ti", "me: x\nmis", "sed: 0\n", "\n 1", " 2\n 3 4\n 5", " 6\nEN", "D\narm_time: y\n\nE", "ND\n"], "lines in pieces", apart=20, n=12)
case("tcp_long_lines", "TcpPcapIngester", "tcp", arms(0, ["9" * 60000, "8" * 3000], "END 2 Ok\n"), "lines of 60 000 characters", n=8)


# ---- Sardana
def post(path, body):
    return {"method": "POST", "path": "/v1/" + path, "body": b64(body if isinstance(body, (str, bytes)) else J(body))}


desc = {"serialno": 1, "scandir": "/d", "title": "ascan"}
case("sardana_bodies", "dranspose.ingesters.http_sardana:app", "http", [
    post("record_data", {"timestamp": 1}), post("data_desc", {"serialno": 1}), post("data_desc", "not json"), post("data_desc", "[]"), post("data_desc", ""), post("data_desc", dict(desc, serialno="x")), post("custom_data", {"a": 1}), post("custom_data", [1]), post("nowhere", {}),
    post("data_desc", dict(desc, serialno="12", title="ü \u2028 \"q\" \\ / <&>", type="DataDescription", z=1, a=[1.0, 1e22, 1e-7, -0.0, 2**70, None, True, "x"], nested={"b": {"c": 1.50}, "a": []})),
    post("data_desc", dict(desc, serialno=2, title="again")),
    post("record_data", {"timestamp": 1}), post("record_data", {"timestamp": "2.5", "point_nb": 1}), post("record_data", {"point_nb": 2}), post("record_data", {"timestamp": None}), post("record_data", {"type": "RecordEnd", "timestamp": 3}), post("record_data", {"type": "x", "timestamp": 3}),
    post("record_data", '{"timestamp": 1e5, "nan": NaN, "inf": -Infinity, "big": 123456789012345678901234567890, "e": 1E5, "z": -0, "i": 1.0}'), post("record_data", '{"timestamp": 4, "dup": 1, "x": 2, "dup": 3}'), post("record_data", '{"timestamp": 5, "u": "\\u00e9\\ud83d\\ude00\\u0001\\u007f"}'),
    post("custom_data", {"timestamp": 1}), post("record_end", {"timestamp": 6, "last": True}), post("record_data", {"timestamp": 7}), post("data_desc", desc),
], "bodies at their edges and the answers", n=30)
case("sardana_not_utf8", "dranspose.ingesters.http_sardana:app", "http", [post("data_desc", b'\xff'), post("data_desc", b'{"serialno": 1, "scandir": "\xff", "title": ""}'), post("data_desc", desc), post("record_data", b'\xfe\xff\x00{'), post("record_end", {"timestamp": 6})], "bodies that are not UTF-8")
case("sardana_floats", "dranspose.ingesters.http_sardana:app", "http", [post("data_desc", dict(desc, serialno=3.0, scandir=""))] + [post("record_data", '{"timestamp": %s, "v": %s}' % (x, x)) for x in ["1", "1.0", "1e22", "1e-7", "123456789.123456789", "1e16", "1e15", "0.1", "-0.0", "100000000000000000000", "1.5e300", "5e-324", "1e5", "true", "NaN"]] + [post("record_end", {"timestamp": 0, "type": "RecordEnd"})], "floats", n=30)

# ---- parameters
case("parameters_hash", "ZmqPullSingleIngester", "push", [head, image(0), image(1), end], "parameters are fetched and hashed", params={"roi": "12", "alpha": "x", "Zeta": "y"}, n=12)
case("parameters_dump_prefix", "ZmqPullSingleIngester", "push", [head, image(0), image(1), image(2), end], "a dump by the parameter dump_prefix", params={"dump_prefix": "${TMP}/pre-"}, dump_name="pre-det-ingester-{mu}.cbors", n=12)
case("parameters_dump_prefix_empty", "ZmqPullSingleIngester", "push", [head, image(0), end], "an empty dump_prefix is none", params={"dump_prefix": ""}, dump_name="det-ingester-{mu}.cbors", n=12)

# ---- several streams of one ingester
case("triggered_streams", "swtrig:SoftTriggerPcapIngester", "tcp", arms(0, [str(i) for i in range(20)], "END\n"), "software triggers where only one of the streams is assigned", streams=["pcap", "dummy"], n=20)
