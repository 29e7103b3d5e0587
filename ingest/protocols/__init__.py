"""Client families: one file each, listed here and nowhere else."""

from __future__ import annotations

from ingest.exchange import Protocol
from ingest.protocols import native, segment

PROTOCOLS: tuple[Protocol, ...] = (native.PROTOCOL, segment.PROTOCOL)
