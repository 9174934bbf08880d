"""Measures what dranspose 0.2.0 makes of headers, bodies and sequences of messages.

Run with a Python that has dranspose 0.2.0: python3 measure.py DIRECTORY
It writes one JSON file for each protocol. Verdicts are start, data, end, other and
invalid, and those of lecroy by name. Texts that are no UTF-8 are {"b64": ...}.
"""
import asyncio
import base64
import collections
import importlib.metadata
import json
import logging
import os
import pathlib
import pickle
import random
import sys
import types

os.environ.setdefault("INGESTER_STREAMS", '["s"]')

import numpy
import pydantic
import zmq
from dranspose.data import albaem, contrast, eiger_legacy, lecroy, pcap, stream1, xspress3
from dranspose import ingesters
from dranspose.ingesters import http_sardana

logging.disable(logging.CRITICAL)
random.seed(1)

SCALARS = r'''
7|-7|0|-0|7.0|7.5|-0.0|1e3|1E3|1.0e1|10e-1|1e-1|1e18|9223372036854775807|9223372036854775808|9223372036854775807.0
9223372036854774784.0|-9223372036854775808.0|9.3e18|1e19|1e300|1e400|-1e400|1e-400|123456789012345678901234567890
true|false|null|[]|[1]|{}|{"a":1}|NaN|Infinity|-Infinity|""|" "|"7"|" 7 "|"+7"|"-7"|"7.0"|"7."|".0"|".5"|"7.5"|"1_000"|"_1"|"1_"
"1__0"|"07"|"007.00"|"1e3"|"1.0e3"|"\u0667"|"-"|"+"|"."|"0x10"|"0b1"|"12345678901234567890123"|"1_0.0"|"\t7\n"|"\u00a07"|"+-7"|"- 7"
"7.000_0"|"7.0 "|"nan"|"NaN"|"inf"|"-inf"|"+nan"|"infinity"|"Infinity"|"1e400"|"1._5"|"1_.5"|"1e1_0"|"1e_5"|"1,000"|"-0"|"-0.0"|"00"
"x"|"1.5"|"\u0037"|"7\u0000"|"\u200b7"|"\u20287"|"\u00857"|"1.5f"|"e5"|"9223372036854775808.0"|"true"|"null"|"none"
007|+7|7.|.5|1e|--1|01|1e2.0|tru|nul|'x'|
'''.replace("\n", "|").split("|")
MOMENTS = r'''
"2024-10-07T08:49:10.627Z"|"2024-10-07 08:49:10"|"2024-10-07T08:49"|"2024-10-07T08:49Z"|"2024-10-07"|"2024-10-07t08:49:10z"
"2024-10-07_08:49:10"|"2024-10-07T08:49:10+01:00"|"2024-10-07T08:49:10+0100"|"2024-10-07T08:49:10+01"|"2024-10-07T08:49:10-00:00"
"2024-10-07T08:49:10+24:00"|"2024-10-07T08:49:10+23:59"|"2024-10-07T08:49:10+12:60"|"2024-10-07T24:00:00"|"2024-10-07T23:59:60"
"2024-13-07T08:49:10"|"2024-00-07"|"2024-01-00"|"2024-01-32"|"2024-04-31"|"2023-02-29T08:49:10"|"1900-02-29"|"2000-02-29"|"2024-02-29T00:00:00"
"2024-10-07T08:49:10.1234567"|"2024-10-07T08:49:10.12345678901234567890"|"2024-10-07T08:49:10."|"2024-10-07T08:49:10,5"
"2024-10-07T08:49:10 Z"|" 2024-10-07T08:49:10 "|"20241007T084910"|"2024-1-7T08:49:10"|"0000-01-01T00:00:00"|"0001-01-01T00:00:00"
"9999-12-31T23:59:59Z"|"9999-12-31T23:59:59-01:00"|"0001-01-01T00:00:00+01:00"|"now"|"0"|"1"|"1728290950"|"1728290950.627"|" 1728290950"
"+1728290950"|"-1728290950"|"1728290950627"|"1e9"|"1.0e5"|"1728290950627000"|"1728290950 "|"1_728"|"5."|1728290950|1728290950.627
1728290950627|1e10|2e10|2e11|20000000000|20000000001|20000000000.5|253402300799|253402300799999|253402300800000|253402300799999.9
253402300799999.99|1e15|-62135596800|-62135596800000|-62135596800001|-2e10|-2e11|-1e18|"2024-10-07T08:49:10.627Zx"|"2024-10-07T08:49:10z+01:00"
"2024-10-07T08:49:1"|"2024-10-07T8:49:10"|"2024-10-07T08:60:10"|"2024-10-07T08:49:10\u221201:00"|"2024-10-07T08:49:10\u2212"
"2024-10-07T08:49:10+01:0"|"2024-10-07T"|"2024-10-07Z"|"2024-10-07 "|"2024/10/07"|"2024-10-07T08"|"2024-10-07T08:49.5"|"2024-10-07T08:49+01:00"
"2024-10-07T08:49:10.5+02:30"|"-1.5"|"253402300800000"|"00012"|"12-13"|"1728290950627.5"|"10:20:30"|"-2024-10-07T08:49:10"|"12024-10-07T08:49:10"
"2024-W01-1"|"Mon, 07 Oct 2024 08:49:10 GMT"|"1728290950\n"|"99999999999999999999"|"9999-12-31T23:59:59.9999999Z"|"-."|"1.2.3"|"--1"
"2024-10-07\u00a008:49:10"|"12345678901234567890.5"|"2024-10-07T08:49:10 +01:00"|"2024-10-07T08:49:10+01:30:15"|"2024"|"-.5"|"+.5"|"1."
'''.replace("\n", "|").split("|")
LISTS = ["[1,2]", "[1.0,2]", "[1.5]", '["1",2]', '["x"]', "[null]", "[true]", "[[1]]", "[1,]", "[1 2]", "[NaN]", "[99999999999999999999]", '"[1]"', "[-1]"]

FORMS = [
    b"\xef\xbb\xbf%s", b" %s ", b"\n\t\r%s\r\n", b"%sx", b"%s\x00", b"\x00%s", b"\x0c%s", b"\xc2\xa0%s", b"%s%s", b"[%s]", b"%s,", b"%s}", b"",
    b" ", b"null", b"1", b'"x"', b"[]", b"{}", b"{", b"{]", b"nonsense", b"\xff\xfe", b"\x80\x04.",
]
EXTRAS = [
    b'"\xff"', b'"\xed\xa0\x80"', b'"\\ud800"', b'"\\udc00"', b'"\\ud83d\\ude00"', b'"\\ud83dx"', b'"\x01"', b'"\x7f"', b'"\t"', b'"\\x41"', b'"\\/"',
    b'"\\u00e"', b'"\xf4\x90\x80\x80"', b'"\xc0\x80"', b'"\xf0\x9f\x98\x80"', b"NaN", b"-NaN", b"nan", b"-Infinity", b"Inf", b"01", b"1.", b"1e400", b"tru", b"truex",
    b"1/**/", b"-", b"1e+", b"1E+5", b"0e5", b"-01", b"0x1", b"[1,]", b'{"b":1,}', b"{1:1}", b"{'b':1}", b'{"b" 1}', b'{"b":1 "c":2}', b'"unended', b"[", b'{"\xff":1}',
    b"[" * 198 + b"1" + b"]" * 198, b"[" * 199 + b"1" + b"]" * 199, b"[" * 200 + b"1" + b"]" * 200, b'{"b":' * 199 + b"1" + b"}" * 199, b'{"b":' * 200 + b"1" + b"}" * 200,
]


def text(b):
    try:
        return b.decode()
    except UnicodeDecodeError:
        return {"b64": base64.b64encode(b).decode()}


def compose(members):
    return b"{" + b", ".join(json.dumps(k).encode() + b": " + v for k, v in members) + b"}"


def headers(bases, values):
    """All headers to try: bases are {name: raw value} that pass."""
    for base in bases:
        members = [(k, v.encode()) for k, v in base.items()]
        whole = compose(members)
        yield whole
        yield compose(members[::-1])
        for form in FORMS:
            yield form.replace(b"%s", whole)
        for extra in EXTRAS:
            yield compose(members + [("a", extra)])
        yield whole[:-1]
        yield whole.replace(b'"', b"'")
        yield whole.replace(b"_", b"\\u005f")
        for i, (key, value) in enumerate(members):
            rest = members[:i] + members[i + 1 :]
            yield compose(rest)
            yield compose([(key.upper(), value)] + rest)
            yield compose([(key, b'"wrong"')] + members)
            yield compose(members + [(key, b'"wrong"')])
            yield compose(members + [(key, value)])
            for v in values.get(key, SCALARS):
                yield compose(members[:i] + [(key, v.encode())] + members[i + 1 :])
    for a in bases:
        for b in bases:
            if a is not b:
                merged = dict(a)
                merged.update(b)
                for base in (merged, {**b, **a}):
                    yield compose([(k, v.encode()) for k, v in base.items()])
                    for key in ("htype", "message_type", "what"):
                        if key in base:
                            yield compose([(k, v.encode()) for k, v in base.items() if k != key])


def table(adapter, kinds, bases, values=None):
    rows, seen = [], set()
    for h in headers(bases, values or {}):
        if h in seen:
            continue
        seen.add(h)
        try:
            verdict = kinds.get(type(adapter.validate_json(h)), "other")
        except Exception:
            verdict = "invalid"
        rows.append([text(h), verdict])
    return rows


# ---- sequences, by the ingesters' own code


class Socket:
    def __init__(self, messages):
        self.messages = list(messages)

    def connect(self, url):
        pass

    def setsockopt(self, *option):
        pass

    async def recv_multipart(self, copy=False):
        if not self.messages:
            raise asyncio.CancelledError
        return [zmq.Frame(p) for p in self.messages.pop(0)]


def drive(cls, messages):
    socket = Socket(messages)

    class Me(types.SimpleNamespace):
        def __getattr__(self, name):  # the settings, whatever they are called
            return types.SimpleNamespace(upstream_url="tcp://x")

    me = Me(ctx=types.SimpleNamespace(socket=lambda kind: socket), _logger=logging.getLogger("x"), in_socket=None)
    events = []

    async def go():
        try:
            async for d in cls.run_source(me, "s"):
                events.append([bytes(f.bytes) if hasattr(f, "bytes") else bytes(f) for f in d.frames])
        except asyncio.CancelledError:
            pass

    asyncio.run(go())
    return events


def sequences(cls, opening, pool, count=40, length=30):
    out = []
    for n in range(count):
        messages = [random.choice(pool) for _ in range(random.randrange(3))] + (opening if n % 4 else [])
        messages += [random.choice(pool) for _ in range(length)]
        events = drive(cls, messages)
        out.append({"in": [[text(p) for p in m] for m in messages], "out": [[text(p) for p in e] for e in events]})
    return out


def j(**fields):
    return json.dumps(fields).encode()


def stins():
    bases = [
        {"htype": '"header"', "msg_number": "1", "filename": '"f"'},
        {"htype": '"image"', "msg_number": "1", "frame": "0", "shape": "[1,2]", "type": '"u"', "compression": '"none"'},
        {"htype": '"series_end"', "msg_number": "1"},
    ]
    kinds = {stream1.Stream1Start: "start", stream1.Stream1Data: "data", stream1.Stream1End: "end"}
    image = lambda i: [j(htype="image", msg_number=i, frame=i, shape=[2], type="u1", compression="none"), b"%d" % i]
    pool = [image(i) for i in range(6)] * 2 + [[b"x"], [b"{}", b"y"], [j(htype="header", msg_number=0, filename="")], [j(htype="header", msg_number=0, filename=""), b"2"], [j(htype="series_end", msg_number=9)], [b""]]
    return {"rows": table(stream1.Stream1Packet, kinds, bases, {"shape": SCALARS + LISTS}),
            "sequences": sequences(ingesters.ZmqPullSingleIngester, [[j(htype="header", msg_number=0, filename="f")]], pool)}


def eiger():
    bases = [{"htype": '"dheader-1.0"'}, {"htype": '"dimage-1.0"', "frame": "0"}, {"htype": '"dseries_end-1.0"'}]
    kinds = {eiger_legacy.EigerLegacyHeader: "start", eiger_legacy.EigerLegacyImage: "data", eiger_legacy.EigerLegacyEnd: "end"}
    pool = [[j(htype="dimage-1.0", frame=i), j(htype="dimage_d-1.0"), b"%d" % i, b"{}"] for i in range(5)] + [[j(htype="dheader-1.0"), b"{}"], [j(htype="dseries_end-1.0")], [j(htype="dimage-1.0")], [b"x"]]
    return {"rows": table(eiger_legacy.EigerLegacyPacket, kinds, bases), "sequences": sequences(ingesters.ZmqPullEigerLegacyIngester, [[j(htype="dheader-1.0")]], pool)}


def xspress():
    bases = [
        {"htype": '"header"', "filename": '"f"'},
        {"htype": '"image"', "frame": "0", "shape": "[1,2]", "type": '"u"', "exptime": "1.5", "compression": '"none"'},
        {"htype": '"series_end"'},
    ]
    kinds = {xspress3.XspressStart: "start", xspress3.XspressImage: "data", xspress3.XspressEnd: "end"}
    image = lambda i: j(htype="image", frame=i, shape=[2], type="u1")
    pool = [[image(i)] for i in range(3)] + [[image(i), b"d%d" % i, b"m"] for i in range(3)] + [[b"data"], [b"meta"], [image(7), b"two"], [j(htype="header", filename="f"), b"2"], [j(htype="series_end")], [b"{}"], [j(htype="header", filename="g")], [j(htype="q")]]
    return {"rows": table(xspress3.XspressPacket, kinds, bases, {"shape": SCALARS + LISTS}),
            "sequences": sequences(ingesters.ZmqSubXspressIngester, [[j(htype="header", filename="f")]], pool)}


def albaems():
    head = {"message_id": "1", "version": "1"}
    bases = [{"message_type": '"series-start"', **head}, {"message_type": '"data"', **head, "frame_number": "0", "timestamp": "1.5", "acquisition_timestamp": "1"}, {"message_type": '"series-end"', **head}]
    kinds = {albaem.AlbaemStart: "start", albaem.AlbaemData: "data", albaem.AlbaemEnd: "end"}
    data = [[j(message_type="data", message_id=1, version=1, frame_number=i, timestamp=1, acquisition_timestamp=2)] for i in range(6)]
    pool = data + [[b"x"], [j(message_type="series-start", message_id=1, version=1)], [j(message_type="series-end", message_id=1, version=1)], [j(message_type="series-end", message_id=1, version=2)]]
    return {"rows": table(albaem.AlbaemPacket, kinds, bases, {"version": SCALARS + ["1", "1.0", '"1"', "2"]}),
            "sequences": sequences(ingesters.ZmqSubAlbaemIngester, [[j(message_type="series-start", message_id=1, version=1)]], pool)}


NUMBERS = '''1e15 1e16 123456789012345680.0 1e20 1e21 1e22 1e-4 1e-5 1e-6 1e-7 1.5e-5 1.5e300 5e-324 1.7976931348623157e308 0.1 100.0 -0.0 -0 0 1E5 1e400 -1e400
NaN Infinity -Infinity 123456789012345678901234567890 0.30000000000000004 1e2 123456.789e3 9007199254740993 9007199254740993.0 12345678.9 1234567890123456.7
99999999999999990.0 1.0e-10 -1.5e-9 2.5e-5 1e23 4.35 true null false "x" "\\u00e9\\u0001\\b\\f\\n\\r\\t\\"\\\\\\/\\u007f\\u2028\\ud83d\\ude00<>&" "" [] {} [1,[2.50,{"a":NaN}]] {"x":1,"y":[1e3],"x":2}'''.split()


def pcaps():
    head = {"message_id": "1", "version": "1"}
    bases = [{"message_type": '"series-start"', **head, "arm_time": '"2024-10-07T08:49:10.627Z"'}, {"message_type": '"data"', **head, "frame_number": "0"}, {"message_type": '"series-end"', **head}]
    kinds = {pcap.PCAPStart: "start", pcap.PCAPData: "data", pcap.PCAPEnd: "end"}
    opening = [j(message_type="series-start", message_id=1, version=1, arm_time=0)]
    data = b'{"message_id":1,"version":1,"message_type":"data","frame_number":5,%s}'
    tails = [b'"a":[%s]' % v.encode() for v in NUMBERS] + [b'"a":[1],"b":%s' % v.encode() for v in NUMBERS]
    for _ in range(30):
        values = [repr(random.choice([random.uniform(-1, 1), random.gauss(0, 1)]) * 10.0 ** random.randrange(-320, 305)) for _ in range(10)]
        values += ["%.*e" % (random.randrange(20), random.gauss(0, 1) * 10.0 ** random.randrange(-30, 30)) for _ in range(5)]
        values += [str(random.randrange(-(10 ** random.randrange(1, 25)), 10 ** random.randrange(1, 25)))]
        tails.append(b'"a":[' + ",".join(values).encode() + b"]")
    tails += [t.encode() for t in [
        '"a":[1,2],"b":[{"n":NaN},[1,[]]]', '"a":[],"b":1', '"a":[],"b":[]', '"b":1', '"a":[1],"b":[1,2]', '"a":[1],"b":[]', '"a":[1],"a":[2,3]', '"a":[1],"b":2,"a":3', '"a":[1],"b":1,"c":2,"b":7',
        '"a":[[]]', '"a":[1],"message_id":"8"', '"a":[1],"version":true', '"a":[1],"frame_number":" 7 "', '"a":[1,1],"frame_number":99999999999999999999', '"a":[1,1],"frame_number":9223372036854775807', '"a":[1,1],"frame_number":-1', '"a":[1],"frame_number":7.0',
        '"a":[1],"frame_number":true', '"a":[1],"message_id":true', '"a":[1],"message_id":1.0', '"a":[1],"self":1,"_x":2,"model_config":3,"":4,"__class__":5,"dict":8', '"a":[1],"\\u00e9\\n":1', '"a":["x",2]', '"A":[1],"a":{"b":[1,2]}',
    ]]
    rows = [[text(data % t), [text(e[0]) for e in drive(ingesters.ZmqSubPCAPIngester, [opening, [data % t]])[1:]]] for t in tails]
    d = lambda n, f: [j(message_type="data", message_id=1, version=1, frame_number=f, a=list(range(n)))]
    pool = [d(3, 0), d(1, 3), d(0, 4), d(2, 4), d(2, 6) + [b"two parts"], [j(message_type="data", message_id=1, version=1, frame_number=1)], [b"x"], opening, [j(message_type="series-end", message_id=1, version=1), b"x"]]
    return {"rows": table(pcap.PCAPPacket, kinds, bases, {"arm_time": SCALARS + MOMENTS}), "split": rows, "sequences": sequences(ingesters.ZmqSubPCAPIngester, [opening], pool)}


def lecroys():
    bases = [
        {"htype": '"msg"', "what": "0", "frame": "0"},
        {"htype": '"msg"', "what": "1", "frame": "0", "ntriggers": "-1", "seqno": "0", "channels": "[2,4]"},
        {"htype": '"msg"', "what": "2", "frame": "2"},
        {"htype": '"msg"', "what": "3", "frame": "2", "frames": "2"},
        {"htype": '"traces"', "ch": "2", "ts": "1.5", "frame": "0", "shape": "[1,2]", "dtype": '"d"', "horiz_offset": "1.5", "horiz_interval": "1.5"},
    ]
    kinds = {lecroy.LecroyPrepare: "prepare", lecroy.LecroySeqStart: "sequenceStart", lecroy.LecroyParsed: "sequenceStart", lecroy.LecroySeqEnd: "sequenceEnd", lecroy.LecroyEnd: "end", lecroy.LecroyData: "data"}
    msg = lambda what, **more: [j(htype="msg", what=what, frame=0, **more)]
    traces = lambda i: [j(htype="traces", ch=i, ts=1.5, frame=0, shape=[1], dtype="d", horiz_offset=1, horiz_interval=2), b"w%d" % i, b"[1]"]
    both = []
    for n in (-1, 3):
        first = msg(1, ntriggers=n, seqno=0, channels=[1])
        pool = [traces(1), traces(2), traces(3), msg(2), msg(2), msg(1, ntriggers=n, seqno=1, channels=[1]), first + [b"part"], msg(0), msg(3, frames=3), [b"x"], [b"{}"]]
        both += sequences(ingesters.ZmqSubLecroyIngester, [msg(0), first], pool)
    rows = table(lecroy.LecroyPacket, kinds, bases, {"channels": SCALARS + LISTS, "shape": SCALARS + LISTS, "what": SCALARS + ["1", "2", "3", "1.0", "2.0", "3.0", '"1"', '"2"', "4", "-1"]})
    return {"rows": rows, "sequences": both}


def contrasts():
    n = numpy
    values = [1.5, 1, True, None, "1.5", b"1.5", " 1 ", "2", b"2", "2.0", "2_0", 10**30, 10**400, 2.0, 2.5, float("nan"), float("inf"), 1e19, "x", b"x", b"\xff", "", [1], (1,), {}, "nan",
              n.float64(1.5), n.float64(2), n.float32(1.5), n.float32(2), n.int64(3), n.int32(-4), n.int16(5), n.int8(-6), n.uint8(7), n.uint64(8), n.bool_(True), n.array([1, 2])]
    bases = [{"status": "started", "path": "p", "scannr": 2, "description": "d"}, {"status": "running", "dt": 1.5}, {"status": "finished", "path": "p", "scannr": 2, "description": "d"}]
    kinds = {contrast.ContrastStarted: "start", contrast.ContrastRunning: "data", contrast.ContrastFinished: "end", contrast.ContrastHeartbeat: "other"}
    tries = []
    for base in bases:
        tries += [base, dict(reversed(base.items())), collections.OrderedDict(base), collections.defaultdict(list, base), {**base, "x": n.arange(3), "y": {"z": n.float64(1)}}, {**base, "status": "unknown"}, {**base, "status": "heartbeat"}]
        tries += [{**base, k: 1} for k in (1, b"k", (1,), None, 1.5, "")]
        for key in base:
            tries += [{k: v for k, v in base.items() if k != key}] + [{**base, key: v} for v in values]
    tries += [{}, {"dt": 1}, {"dt": 1, "path": "p"}, {**bases[0], "dt": 1}, {"path": "p", "scannr": 1, "description": "d", "dt": 1}, {"status": "heartbeat"}, {"status": "heartbeat", 1: 2}, [("dt", 1)], "x", None, [], ({"dt": 1},), 1]
    rows = []
    for i, v in enumerate(tries):
        for protocol in range(6) if i < 8 else (random.randrange(2), random.randrange(2, 6)):
            p = pickle.dumps(v, protocol)
            try:
                verdict = kinds[type(contrast.ContrastPacket.validate_python(pickle.loads(p)))]
            except Exception:
                verdict = "invalid"
            rows.append([{"b64": base64.b64encode(p).decode()}, verdict])
    pool = [[pickle.dumps({"status": "running", "dt": float(i)}, random.randrange(6))] for i in range(6)] + [[pickle.dumps({"status": "heartbeat"})], [pickle.dumps(bases[0])], [pickle.dumps(bases[2]), b"2"], [b"x"], [pickle.dumps({})]]
    return {"rows": rows, "sequences": sequences(ingesters.ZmqSubContrastIngester, [[pickle.dumps(bases[0])]], pool)}


def sardanas():
    got = []

    class Ingester:
        async def receive(self, packet):
            got.append(packet)

    http_sardana.sardana_ingester = Ingester()

    async def post(path, body):
        got.clear()
        sent = []
        scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b"",
                 "headers": [(b"content-type", b"application/json")], "scheme": "http", "server": ("x", 1), "client": ("y", 2), "root_path": ""}
        incoming = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive():
            return next(incoming, {"type": "http.disconnect"})

        async def send(message):
            sent.append(message)

        await http_sardana.app(scope, receive, send)
        return sent[0]["status"], got[0].model_dump_json() if got else None

    rows = []
    values = SCALARS + NUMBERS
    bases = {"/v1/data_desc": {"type": '"DataDescription"', "serialno": "1", "scandir": '"d"', "title": '"t"'}, "/v1/record_data": {"type": '"RecordData"', "timestamp": "1"}, "/v1/record_end": {"type": '"RecordEnd"'}, "/v1/custom_data": {"a": "1"}}
    for path, base in bases.items():
        for body in dict.fromkeys(headers([base], {k: values for k in base})):
            try:
                status, out = asyncio.run(post(path, body))
            except Exception:
                continue  # the peer itself breaks
            rows.append([path, text(body), status, out])
        for v in NUMBERS:
            body = compose([("x", v.encode())] + [(k, b.encode()) for k, b in base.items()] + [("y", b"[" + v.encode() + b"]")])
            rows.append([path, text(body), *asyncio.run(post(path, body))])
    return {"bodies": rows}


def main():
    to = pathlib.Path(sys.argv[1])
    to.mkdir(exist_ok=True)
    about = {p: importlib.metadata.version(p) for p in ("dranspose", "pydantic", "fastapi")}
    for name, measure in {"stins": stins, "eiger_legacy": eiger, "xspress": xspress, "albaem": albaems, "pcap": pcaps, "lecroy": lecroys, "contrast": contrasts, "sardana": sardanas}.items():
        measured = {"versions": about, **measure()}
        lines = ["{"]
        for i, (key, value) in enumerate(measured.items()):
            comma = "," if i < len(measured) - 1 else ""
            if isinstance(value, list):
                lines.append(json.dumps(key) + ": [")
                lines += [json.dumps(row) + ("," if n < len(value) - 1 else "") for n, row in enumerate(value)]
                lines.append("]" + comma)
            else:
                lines.append(json.dumps(key) + ": " + json.dumps(value) + comma)
        (to / (name + ".json")).write_text("\n".join(lines + ["}"]) + "\n")


main()
