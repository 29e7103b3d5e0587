"""A log that keeps frames in memory and can be told to fail, to hang, or to break its contract."""

from __future__ import annotations

import asyncio

from schemas.ports import LogUnavailable
from schemas.record import Frame, Record, decode_records

SECRET = "zendesk signing secret"


class MemoryLog:
    """Satisfies `schemas.ports.Log`: returns only once the frame is kept, else raises `LogUnavailable`."""

    def __init__(self, deadline_seconds: float = 0.05) -> None:
        self._deadline = deadline_seconds
        self.frames: list[Frame] = []
        self.failing = False
        self.broken = False
        self.open = asyncio.Event()
        self.open.set()

    async def append(self, frame: Frame) -> None:
        try:
            async with asyncio.timeout(self._deadline):
                await self.open.wait()
        except TimeoutError:
            raise LogUnavailable("no answer in time") from None
        if self.failing:
            raise LogUnavailable("the disk is full", retry_after=7)
        if self.broken:
            raise RuntimeError("nobody thought of this")
        self.frames.append(frame)

    def ready(self) -> bool:
        return not self.failing

    @property
    def records(self) -> list[Record]:
        return [record for frame in self.frames for record in decode_records(frame.records)]
