"""A site's own ingester class: positions by TCP, and a stream of software triggers."""
from dranspose.event import StreamData
from dranspose.ingester import IsSoftwareTriggered
from dranspose.ingesters.tcp_positioncap import TcpPcapIngester


class SoftTriggerPcapIngester(TcpPcapIngester):
    async def run_source(self, stream):
        if stream == "pcap":
            async for data in super().run_source(stream):
                yield data
        else:
            while True:
                yield IsSoftwareTriggered()

    def software_trigger(self):
        n = 0
        while True:
            yield {"dummy": StreamData(typ="JSON", frames=[b'{"n": %d}' % n, b"second"])}
            n += 1
