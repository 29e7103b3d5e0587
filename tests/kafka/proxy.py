"""A proxy before a broker that loses answers to produce requests: the broker has the records, the client cannot know.

The broker has to advertise the proxy's address, or clients go past it after their first question.
"""

from __future__ import annotations

import asyncio
import struct

PRODUCE = 0


class Proxy:
    """Passes everything on, except the answers that it was told to lose; the connection ends with each of them."""

    def __init__(self, port: int, broker: int) -> None:
        self.lose = 0
        self.lost = 0
        self._port = port
        self._broker = broker
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self._port)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            upstream, downstream = await asyncio.open_connection("127.0.0.1", self._broker)
        except OSError:
            writer.close()
            return
        produced: set[int] = set()
        ways = [
            asyncio.create_task(self._requests(reader, downstream, produced)),
            asyncio.create_task(self._answers(upstream, writer, produced)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for end in (writer, downstream):
                end.close()

    async def _requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, produced: set[int]) -> None:
        while True:
            message = await _message(reader)
            key, _, correlation = struct.unpack(">hhi", message[:8])
            if key == PRODUCE:
                produced.add(correlation)
            writer.write(struct.pack(">i", len(message)) + message)

    async def _answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, produced: set[int]) -> None:
        while True:
            message = await _message(reader)
            (correlation,) = struct.unpack(">i", message[:4])
            if correlation in produced and self.lose > 0:
                self.lose -= 1
                self.lost += 1
                return
            writer.write(struct.pack(">i", len(message)) + message)


async def _message(reader: asyncio.StreamReader) -> bytes:
    (length,) = struct.unpack(">i", await reader.readexactly(4))
    return await reader.readexactly(length)
