"""A reader of `/v1/stream` that talks to the application itself: as slowly as a test wants, and until it goes away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, MutableMapping
from typing import Any, Self
from urllib.parse import urlencode

from fastapi import FastAPI

Event = tuple[str, str | None, Any]
"""Type, id (None: none), data."""


class Reader:
    """One request. `aborted` says that the connection was cut."""

    def __init__(self, app: FastAPI, query: Mapping[str, str], headers: Mapping[str, str]) -> None:
        self.text = b""
        self.status = 0
        self.headers: dict[str, str] = {}
        self.chunks = 0
        self.aborted = False
        self.reads = asyncio.Event()
        self.reads.set()
        self._left = asyncio.Event()
        self._news = asyncio.Event()
        scope = {
            "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1", "method": "GET",
            "scheme": "http", "path": "/v1/stream", "raw_path": b"/v1/stream", "root_path": "",
            "query_string": urlencode(query).encode(), "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "extensions": {"sojourn.abort": {"abort": self._abort}},
        }  # fmt: skip
        self.task = asyncio.create_task(app(scope, self._receive, self._send))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.leave()

    async def leave(self) -> None:
        """Go away."""
        self._left.set()
        self.reads.set()
        await asyncio.wait_for(self.task, 5)

    def _abort(self) -> None:
        self.aborted = True
        self._left.set()

    async def _receive(self) -> MutableMapping[str, Any]:
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        await self.reads.wait()
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            self.text += message["body"]
            self.chunks += 1
        self._news.set()

    @property
    def events(self) -> list[Event]:
        """What came, comments and `retry` left out."""
        found: list[Event] = []
        for block in self.text.decode().split("\n\n"):
            fields = dict(line.split(": ", 1) for line in block.splitlines() if line[:1] not in ("", ":"))
            if "data" in fields:
                found.append((fields.get("event", "message"), fields.get("id"), json.loads(fields["data"])))
        return found

    def of(self, kind: str) -> list[Event]:
        """The events of one type."""
        return [event for event in self.events if event[0] == kind]

    async def until(self, kind: str, count: int = 1, seconds: float = 5.0) -> list[Event]:
        """So many events of a type, as soon as they are there."""
        async with asyncio.timeout(seconds):
            while len(self.of(kind)) < count:
                self._news.clear()
                await self._news.wait()
        return self.of(kind)
