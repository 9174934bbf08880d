"""What a site computes with dranspose, as small as can be: a digest of every frame."""
import hashlib
import json
import os

from dranspose.parameters import StrParameter


class Worker:
    def __init__(self, parameters=None, context=None, state=None, **kwargs):
        pass

    @staticmethod
    def describe_parameters():
        return [StrParameter(name="roi", default="0")]

    def process_event(self, event, parameters=None, tick=None):
        frames = {
            name: [data.typ] + [hashlib.sha1(f.bytes if hasattr(f, "bytes") else bytes(f)).hexdigest() for f in data.frames]
            for name, data in event.streams.items()
        }
        return {"frames": frames, "roi": parameters["roi"].data.decode()}


class Reducer:
    def __init__(self, parameters=None, context=None, state=None, **kwargs):
        self.state = state
        self.events = {}
        self.rois = set()

    def process_result(self, result, parameters=None):
        event = self.events.setdefault(str(result.event_number), {})
        for stream, digests in result.payload["frames"].items():
            # The first and the last event go to both workers.
            assert event.setdefault(stream, digests) == digests, (result.event_number, stream)
        self.rois.add(result.payload["roi"])

    def finish(self, parameters=None):
        path = os.path.join(os.environ["RESULTS"], f"{self.state.mapping_uuid}.json")
        with open(path + ".part", "w") as f:
            json.dump({"events": self.events, "rois": sorted(self.rois), "roi": parameters["roi"].data.decode()}, f)
        os.rename(path + ".part", path)
