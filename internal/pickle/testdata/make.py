"""Writes cases.json: values pickled by CPython in all protocols, and how they read.

Run with a Python that has numpy: python3 make.py > cases.json
"""
import base64
import collections
import json
import pickle
import struct
import sys

import numpy


def canon(v):
    if v is None or isinstance(v, bool):
        return str(v)
    if type(v) is int:
        return str(v)
    if type(v) is float and v != v:
        return "nan"
    if type(v) is float:
        return "f" + struct.pack(">d", v).hex()
    if type(v) is str:
        return "s" + v.encode().hex()
    if type(v) in (bytes, bytearray):
        return "b" + v.hex()
    if type(v) is list:
        return "[" + ",".join(map(canon, v)) + "]"
    if type(v) is tuple:
        return "(" + ",".join(map(canon, v)) + ")"
    if isinstance(v, dict):
        return "{" + ",".join(canon(k) + ":" + canon(x) for k, x in v.items()) + "}"
    return "opaque"


shared = ["shared"]
VALUES = {
    "none": None, "true": True, "false": False, "zero": 0, "byte": 255, "two bytes": 65535, "four bytes": 2**31 - 1,
    "negative": -1, "least four bytes": -(2**31), "eight bytes": 2**63 - 1, "least eight bytes": -(2**63),
    "beyond eight bytes": 2**63, "big": 10**30, "big negative": -(10**30), "long4": 1 << 3000, "minus 128": -128, "minus 32768": -32768,
    "float": 0.1, "infinity": float("inf"), "negative zero": -0.0, "nan": float("nan"), "largest": 1.7976931348623157e308,
    "empty text": "", "text": "abc", "wide text": "é\u2028😀\\u0041\n\\", "long text": "x" * 300,
    "empty bytes": b"", "bytes": b"\x00\xff\n'", "long bytes": b"y" * 300, "bytearray": bytearray(b"ab"),
    "empty list": [], "list": [1, [2, [3]], "x"], "long list": list(range(1100)),
    "empty tuple": (), "tuples": ((1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)),
    "empty dict": {}, "dict": {"a": 1, 2: "b", (1, 2): None, b"k": 1.5}, "long dict": {str(i): i for i in range(1100)},
    "shared": [shared, shared, {"k": shared}],
    "ordered": collections.OrderedDict([("b", 1), ("a", 2)]), "empty ordered": collections.OrderedDict(),
    "defaulted": collections.defaultdict(list, {"a": [1]}),
    "complex": complex(1, 2), "set": {1}, "frozen": frozenset([1]), "range": range(3), "slice": [slice(1)], "type": int,
    "array": numpy.arange(3), "scalar": numpy.float64(1.5), "in a dict": {"a": numpy.arange(3.0), "b": {"c": numpy.int64(1)}, "d": 1},
}


def main():
    cases = []
    for name, value in VALUES.items():
        for protocol in range(6):
            p = pickle.dumps(value, protocol)
            cases.append({"name": name, "protocol": protocol, "pickle": base64.b64encode(p).decode(), "want": canon(value)})
    for name, text in {
        "python 2 text": b"S'a\\x41\\n\\'b\\101\\z'\n.", "python 2 short": b"U\x02ab.", "python 2 wide": b"U\x01\xe9.",
        "python 2 int": b"I12\n.", "hexadecimal": b"I0x1F\n.", "octal": b"I017\n.", "zeros": b"L000L\n.", "spaces": b"I 12 \n.",
        "float text": b"F1e5\n.", "float infinity": b"Finf\n.", "float overflow": b"F1e999\n.", "float junk": b"Fx\n.",
        "nothing": b"", "no stop": b"N", "empty stack": b".", "trailing": b"N.xyz", "unknown": b"\xff.", "protocol 6": b"\x80\x06N.",
        "pop": b"NK\x01" + b"0.", "pop mark": b"N(K\x01" + b"1.", "pop of a mark": b"N(0.", "dup": b"K\x012\x86.", "missing memo": b"h\x00.", "memo": b"K\x01p7\n0g7\n.",
        "odd items": b"(Nd.", "unhashable key": b"}]Ns.", "nested unhashable": b"}](]t" + b"Ns.", "append to none": b"NNa.", "set item of a list": b"]NNs.",
        "mark missing": b"Nt.", "tuple across a mark": b"NN(\x86.", "pop across a mark": b"N(K\x01" + b"00" + b".",
        "short text": b"X\x05\x00\x00\x00ab.", "bad utf-8": b"X\x01\x00\x00\x00\xff.", "frame too long": b"\x95\xff\x00\x00\x00\x00\x00\x00\x00N.",
        "frame": b"\x95\x02\x00\x00\x00\x00\x00\x00\x00N.", "persistent": b"P1\n.", "extension": b"\x82\x01.", "buffer": b"\x97.",
        "reduce of none": b"N)R.", "reduce without tuple": b"ccollections\nOrderedDict\nNR.", "global of numbers": b"NN\x93.", "long1 empty": b"\x8a\x00.",
        "list of the mark": b"(K\x01K\x02l.", "dict of the mark": b"(K\x01K\x02d.", "raw unicode": b"V\\u00e9\xe9\\\\u0041\n.", "raw unicode short": b"V\\u00e\n.",
        "builtins dict": b"cbuiltins\ndict\n)R.", "pairs": b"ccollections\nOrderedDict\n((lp0\n(lp1\nS'a'\naI1\naatR.",
    }.items():
        try:
            want = canon(pickle.loads(text))
        except Exception:
            want = "invalid"
        cases.append({"name": name, "protocol": -1, "pickle": base64.b64encode(text).decode(), "want": want})
    json.dump({"python": sys.version.split()[0], "numpy": numpy.__version__, "cases": cases}, sys.stdout, indent=0)
    print()


main()
