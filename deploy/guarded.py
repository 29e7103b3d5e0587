"""uvicorn's HTTP protocol under the guard: one connection, with its deadline and what it has sent.

uvicorn bounds neither the bytes nor the time of a head or a body, and arms a timer for each answer; httptools joins a
header that comes in pieces again with every piece. Here a long head is fed in slices until it has ended or is too
large, and the guard's one sweep takes the place of every timer.
"""

from __future__ import annotations

from functools import lru_cache
from http import HTTPStatus
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from deploy.guard import FOREVER, Guard
from schemas.errors import Problem, problem_headers, problem_json
from schemas.ports import ABORT

SLICE = 16 << 10
"""What is longer is fed in pieces while a head is read; divides `Limits.head_bytes`."""
NOTHING, HEAD, BODY = range(3)
"""The part of a request whose end has not come yet."""


class Guarded(HttpToolsProtocol):
    """One connection."""

    def __init__(self, guard: Guard, **uvicorn: Any) -> None:
        super().__init__(**uvicorn)
        self.guard = guard
        self.address = ""
        self.tenant = ""
        """Whose key came over it last; empty for a stranger's."""
        self.deadline = FOREVER
        self._phase = NOTHING
        self._read = 0
        """Bytes of this part of the request, if it was not whole at the end of a read; or of blank lines before it."""
        self._began = 0.0
        self._unsent = 0
        self._farewell = False
        self._refusal: Problem | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.address = self.client[0] if self.client else ""
        self.deadline = self.loop.time() + self.guard.limits.head_seconds
        self.guard.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_part(NOTHING)
        self.deadline = FOREVER
        self.guard.closed(self, self.tenant)
        super().connection_lost(exc)

    # What is read

    def data_received(self, data: bytes) -> None:
        if self._farewell:
            self._discard(len(data))
        elif len(data) <= SLICE:
            self._feed(data)
        else:
            view, at = memoryview(data), 0
            while at < len(data) and not self._farewell and not self.transport.is_closing():
                size = len(data) - at if self._phase == BODY else SLICE
                self._feed(view[at : at + size])
                at += size

    def _feed(self, data: bytes | memoryview) -> None:
        if not self._phase:
            self._read += len(data)  # blank lines, which the parser skips, unless it finds a beginning
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # an offer that is not taken up: the request is answered as it is
        except httptools.HttpParserError:
            self._refuse_request(self._refusal or Problem("malformed_request", "This cannot be read as HTTP/1.1."))
            return
        if self._phase:
            self._not_whole(len(data))
        elif self._read >= self.guard.limits.head_bytes:
            self._refuse_request(_too_long(self.guard.limits.head_bytes))

    def _not_whole(self, size: int) -> None:
        """Count what has come of a head or a body that has not ended with this read."""
        limits = self.guard.limits
        if not self._read:
            self._began = self.loop.time()
            self.deadline = self._began + (limits.head_seconds if self._phase == HEAD else limits.body_seconds)
        self._read += size
        if self._phase == HEAD:
            self.guard.begun(size)
        if len(self.headers) > limits.head_lines:  # also the trailers of a body in chunks
            self._refuse_request(_too_many_lines(limits.head_lines))
        elif self._phase == BODY:
            if self._read > limits.body_wire_bytes:
                self._refuse_request(Problem("body_too_large", "A body of many chunks is too large."))
        elif self._read >= limits.head_bytes:
            self._refuse_request(_too_long(limits.head_bytes))

    def _discard(self, size: int) -> None:
        self._read += size
        if self._read > self.guard.limits.farewell_bytes:
            self.transport.abort()

    # What the parser finds

    def on_message_begin(self) -> None:
        self._end_part(HEAD)
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._end_head()
        self.scope["extensions"] = {ABORT: {"abort": self.transport.abort}}
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._end_message()
        super().on_message_complete()

    def _end_part(self, phase: int) -> None:
        """Go on to the next part of a request."""
        if self._read:
            if self._phase == HEAD:
                self.guard.unfinished -= self._read
            self._read = 0
        self._phase = phase

    def _end_head(self) -> None:
        """Look at a whole head. Raises `Problem`, which ends the reading of the connection."""
        limits = self.guard.limits
        if len(self.headers) > limits.head_lines:
            self._refusal = _too_many_lines(limits.head_lines)
        elif len(self.url) > limits.target_bytes or self.url.count(b"&") > limits.query_fields:
            told = f"A target has at most {limits.target_bytes} bytes and {limits.query_fields} parameters."
            self._refusal = Problem("headers_too_large", told)
        elif len(self.pipeline) >= limits.pipelined:
            self._refusal = Problem("overloaded", "Wait for answers before sending more requests.")
        if self._refusal is not None:
            raise self._refusal
        self._end_part(BODY)

    def _end_message(self) -> None:
        self._end_part(NOTHING)
        self._wait()

    def _wait(self) -> None:
        """Set the deadline at the end of a request or of an answer."""
        if self._unsent or self.transport.is_closing():
            self.deadline = self.loop.time() + self.guard.limits.unread_seconds
        elif self._phase:
            self.deadline = self.loop.time() + self.guard.limits.body_seconds
        elif self._busy():
            self.deadline = FOREVER  # the client waits for us
        else:
            self.deadline = self.loop.time() + self.guard.limits.idle_seconds

    def _busy(self) -> bool:
        """Whether an answer is owed."""
        return self.cycle is not None and not self.cycle.response_complete

    # What is written

    def on_response_complete(self) -> None:
        """Go on with the next request that has come already (without uvicorn's timer for each answer)."""
        self.server_state.total_requests += 1
        self._wait()
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            if not self._unsent:
                self.deadline = FOREVER
            self._start_asgi_task(cycle, app)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unsent = self.transport.get_write_buffer_size()
        self._wait()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._unsent = 0
        self._wait()

    # How it ends

    def expire(self, now: float) -> None:
        """Move the deadline, or end the connection."""
        limits = self.guard.limits
        if self._farewell or self.transport.is_closing():
            self.transport.abort()
        elif self._unsent:
            unsent = self.transport.get_write_buffer_size()
            if unsent < self._unsent:
                self._unsent, self.deadline = unsent, now + limits.unread_seconds
            else:
                self.cut("unread")
        elif self._phase == BODY and self.flow.read_paused:
            self.deadline = now + limits.body_seconds  # it waits for us, not we for it
        elif self._phase == BODY and (until := limits.body_until(self._began, self._read)) > now:
            self.deadline = until
        elif self._phase == HEAD and self._busy():
            self.deadline = now + limits.head_seconds
        elif self._phase:
            self._refuse_request(Problem("request_timeout", "The request did not come in time."))
        else:
            self.guard.cut["idle"] += 1
            self.transport.close()

    def cut(self, reason: str) -> None:
        """End the connection at once."""
        self.guard.cut[reason] += 1
        self.transport.abort()

    def _refuse_request(self, problem: Problem) -> None:
        """Say why, if this request has no answer yet and no other is owed before it; then hang up."""
        phase = self._phase
        self._end_part(NOTHING)
        self.guard.cut[problem.code] += 1
        if self.transport.is_closing():
            return
        own = phase == BODY and self._busy() and not self.cycle.response_started
        if own:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        elif phase == BODY or self._busy():
            self.transport.close()
            self._wait()
            return
        self.transport.write(answer_of(problem))
        self._hang_up()

    def _hang_up(self) -> None:
        """Stop sending, and go on reading for a moment: closing at once would reset what was just said."""
        self._farewell = True
        self.deadline = self.loop.time() + self.guard.limits.farewell_seconds
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()


def answer_of(problem: Problem) -> bytes:
    """The last answer on a connection."""
    body = problem_json(problem)
    told = {**problem_headers(problem), "connection": "close", "content-length": str(len(body))}
    return head(problem.status, *told.items()) + b"\r\n" + body


@lru_cache(maxsize=1024)
def head(status: int, *headers: tuple[str, str]) -> bytes:
    """Status line and headers of an answer; nearly every answer has one of a few sets."""
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{name}: {value}" for name, value in headers), ""]
    return "\r\n".join(lines).encode("latin-1")


def _too_many_lines(most: int) -> Problem:
    return Problem("headers_too_large", f"A request has at most {most} headers.")


def _too_long(most: int) -> Problem:
    return Problem("headers_too_large", f"Headers have less than {most} bytes, with the blank lines before them.")
