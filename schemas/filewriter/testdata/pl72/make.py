"""Writes the run start messages beside it, with the PyPI package
ess-streaming-data-types 0.27.0. Their wanted values are in index.json."""
import json
import pathlib

from streaming_data_types.run_start_pl72 import DetectorSpectrumMap, serialise_pl72

here = pathlib.Path(__file__).parent
plain = dict(
    job_id="job-1", filename="/ess/raw/coda/2024/443503/raw/run_1.hdf",
    start_time=1730106854376, stop_time=1730106900000, run_name="run 1",
    nexus_structure='{"children": []}', service_id="filewriter-1",
    instrument_name="CODA", broker="127.0.0.1:9092",
    metadata='{"proposal_id": "443503"}', control_topic="coda_control",
)
cases = {
    "full.bin": dict(plain, map=([1, 2, -3], [4, 5, 2147483647], 3)),
    "no_map.bin": plain,
    "minimal.bin": dict(job_id="j", filename="f", start_time=1),
    "unicode.bin": dict(plain, run_name="Søren 中子 💡"),
    "empty_map.bin": dict(plain, map=([], [], 0)),
}
index = {}
for name, c in cases.items():
    c = dict(c)
    m = c.pop("map", None)
    args = dict(c)
    if m is not None:
        args["detector_spectrum_map"] = DetectorSpectrumMap(*m)
    here.joinpath(name).write_bytes(serialise_pl72(**args))
    index[name] = dict(c, map=m) if m is not None else c
here.joinpath("index.json").write_text(json.dumps(index, indent=1, ensure_ascii=False) + "\n")
