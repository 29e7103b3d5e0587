"""One reader of a stream: server-sent events over bare ASGI, with bounds on what a slow or dead reader can hold.

Nothing is buffered here: the server stops taking more once its own buffer is full, and a reader that takes nothing for
`silent` seconds is cut off.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any

from query_api.admission import disconnected
from query_api.live import Listener, heartbeat
from schemas.ports import ABORT

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

COMMENT = b": still here\n\n"
ALIVE = b"event: alive\ndata: {}\n\n"
"""For readers that cannot see comments (a browser's EventSource): nothing is new, and the connection does not hang."""
RETRY = b"retry: 3000\n\n"
"""When to connect again: after a service that stops has left its port, since a refusal would be final."""
HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "private, no-store",
    "x-accel-buffering": "no",
}


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds between comments, and between words about the watermark or that nothing is new; how long a reader may
    take nothing, and how long a stream lasts before its reader has to connect again.
    """

    comment: float = 15.0
    watermark: float = 5.0
    silent: float = 30.0
    longest: float = 3600.0


LAST_SECONDS = 0.5
"""How long a reader may take for what it is sent last, so that a slow one does not hold up the end of a process."""


class Gone(Exception):
    """The reader is not there any more, or does not read."""


@dataclass(slots=True)
class Stream:
    """Sends what a listener is offered. `allowed` is asked with every comment whether it may still read."""

    listener: Listener
    allowed: Callable[[], bool]
    times: Times
    deadline: asyncio.Timeout | None = None

    async def serve(self, scope: Scope, receive: Receive, send: Send, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Until the reader leaves, is cut off, or the listener is let go. Raises nothing."""
        gone = asyncio.ensure_future(disconnected(receive))
        gone.add_done_callback(lambda _: self.listener.end())
        self.listener.on_end = self._hurry
        try:
            await self._send(send, {"type": "http.response.start", "status": 200, "headers": list(headers)})
            await self._events(send, gone)
            if not gone.done():
                await self._send(send, {"type": "http.response.body", "body": b"", "more_body": False})
        except Gone:
            server = scope.get("extensions", {}).get(ABORT)
            if server is not None:
                server["abort"]()
                await asyncio.wait({gone}, timeout=1.0)
        finally:
            gone.cancel()

    async def _events(self, send: Send, gone: asyncio.Future[None]) -> None:
        ends = time.monotonic() + self.times.longest
        comment_at = time.monotonic() + self.times.comment
        told_at, told = time.monotonic(), -1  # of the last word about the watermark: when, and which one
        await self._send(send, _body(RETRY))
        while True:
            now = time.monotonic()
            beat_at = told_at + self.times.watermark
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, min(beat_at, comment_at, ends) - now)):
                    await self.listener.wake.wait()
            if gone.done():
                return
            now, taken = time.monotonic(), self.listener.take()
            text = b"".join(message.text for message in taken)
            if taken:
                told_at, told = now, max(told, *(message.watermark for message in taken))
            elif now >= beat_at:
                told_at, counted_to = now, self.listener.counted_to
                text = ALIVE
                if counted_to is not None and counted_to > told:
                    text, told = heartbeat(counted_to), counted_to
            if now >= comment_at:
                comment_at = now + self.times.comment
                text += COMMENT
                if not self.allowed():
                    self.listener.end()
            if text:
                await self._send(send, _body(text))
            if self.listener.ended or now >= ends:
                return

    async def _send(self, send: Send, message: Message) -> None:
        try:
            async with asyncio.timeout(LAST_SECONDS if self.listener.ended else self.times.silent) as self.deadline:
                await send(message)
        except TimeoutError as error:
            raise Gone from error
        finally:
            self.deadline = None

    def _hurry(self) -> None:
        if self.deadline is not None:
            self.deadline.reschedule(asyncio.get_running_loop().time() + LAST_SECONDS)


def _body(text: bytes) -> Message:
    return {"type": "http.response.body", "body": text, "more_body": True}
