"""What a broker says of itself, asked in its own protocol (ApiVersions 3), so that nobody has to believe a file name.

No request of the Kafka protocol answers a release number. The nearest is the feature `metadata.version`: each release
brings its own level, and a broker tells the highest that its software knows and the one that its cluster has
settled on.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass, field

API_VERSIONS = 18
UNSUPPORTED_VERSION = 35
RELEASES = {20: "3.8", 21: "3.9", 22: "4.0", 25: "4.0", 26: "4.1", 27: "4.1", 28: "4.2", 29: "4.2", 30: "4.3"}
"""`org.apache.kafka.server.common.MetadataVersion`, by level."""


class NotKafka(Exception):
    """Somebody answered, in another language."""


@dataclass(frozen=True, slots=True)
class Versions:
    """The answer: levels of `metadata.version` (0: not told) and the newest version of each request, by its key."""

    software: int = 0
    finalized: int = 0
    requests: dict[int, int] = field(default_factory=dict)

    def __str__(self) -> str:
        if not self.software:
            return f"metadata.version not told, {len(self.requests)} kinds of requests"
        release = RELEASES.get(self.software, "of an unknown release")
        return f"Kafka {release} (metadata.version {self.software}, finalized {self.finalized})"


class _Reader:
    """The flexible encoding: unsigned varints, compact strings and arrays (length + 1), tagged fields."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        taken = self._data[self._at : self._at + count]
        if len(taken) < count:
            raise NotKafka("the answer ends too early")
        self._at += count
        return taken

    def int16(self) -> int:
        value: int = struct.unpack(">h", self.take(2))[0]
        return value

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def text(self) -> str:
        return self.take(self.varint() - 1).decode()

    def tags(self) -> dict[int, bytes]:
        return {self.varint(): self.take(self.varint()) for _ in range(self.varint())}

    def features(self) -> dict[str, tuple[int, int]]:
        found: dict[str, tuple[int, int]] = {}
        for _ in range(self.varint() - 1):
            name = self.text()
            found[name] = (self.int16(), self.int16())
            self.tags()
        return found


def _exchange(bootstrap: str, seconds: float) -> bytes:
    host, _, port = bootstrap.split(",", maxsplit=1)[0].rpartition(":")
    client = b"sojourn-tests"
    compact = bytes([len(client) + 1]) + client
    header = struct.pack(">hhih", API_VERSIONS, 3, 1, len(client)) + client + b"\0"
    request = header + compact + b"\x021" + b"\0"
    with socket.create_connection((host, int(port)), seconds) as connection:
        connection.settimeout(seconds)
        connection.sendall(struct.pack(">i", len(request)) + request)
        with connection.makefile("rb") as answer:
            (length,) = struct.unpack(">i", answer.read(4).rjust(4, b"\0"))
            if not 0 < length < 1_000_000:
                raise NotKafka(f"{bootstrap} does not speak the protocol of Kafka")
            return answer.read(length)


def versions(bootstrap: str, seconds: float = 10.0) -> Versions:
    """Ask the first of the servers. Raises `OSError`, `NotKafka`."""
    reader = _Reader(_exchange(bootstrap, seconds))
    reader.take(4)  # the correlation id; this one answer has the old header
    error = reader.int16()
    if error == UNSUPPORTED_VERSION:
        return Versions()
    if error:
        raise NotKafka(f"ApiVersions answers error {error}")
    requests: dict[int, int] = {}
    for _ in range(reader.varint() - 1):
        key, _, newest = reader.int16(), reader.int16(), reader.int16()
        requests[key] = newest
        reader.tags()
    reader.take(4)  # throttle time
    tags = reader.tags()
    supported = _Reader(tags.get(0, b"\1")).features()
    finalized = _Reader(tags.get(2, b"\1")).features()
    name = "metadata.version"
    return Versions(
        software=supported.get(name, (0, 0))[1],  # min, max
        finalized=finalized.get(name, (0, 0))[0],  # max, min: in the other order
        requests=requests,
    )
