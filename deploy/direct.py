"""uvicorn's HTTP protocol, which answers the producers' hot paths itself: most of what such a request costs under ASGI
is ASGI (a scope, a cycle, an event, two messages each way).

A POST to the path of a client family, on a connection with nothing else under way, is read here and answered with one
write; `Ingest.handle` is the same as behind the dispatcher. All else (other methods and paths, pipelined requests,
`Expect: 100-continue`, upgrades) takes uvicorn's own way to the app, which answers these paths just so.
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Any

from deploy import refused
from deploy.guard import Guard
from deploy.guarded import BODY, HEAD, Guarded, head
from deploy.observe import Counting
from ingest.call import Call
from ingest.dispatcher import check_declared
from ingest.http import Request, Response, read_headers, read_query
from ingest.service import Ingest
from schemas.errors import Problem
from schemas.tracing import CURRENT, HEADER

_ID = HEADER.encode()


class DirectProtocol(Guarded):
    """One connection. `ingest` and `requests` (which counts) are the same for all of them."""

    def __init__(self, ingest: Ingest, requests: Counting, guard: Guard, **uvicorn: Any) -> None:
        super().__init__(guard, **uvicorn)
        self._ingest = ingest
        self._requests = requests
        self._paths = {path.encode(): path for path in ingest.post_paths}
        self._direct = False
        """Whether a request is being read that is answered here."""
        self._answering = False
        """Whether one is, and its answer is not written yet."""
        self._keep_alive = True
        self._call: Call | None = None
        self._parts: list[bytes] = []

    def on_message_begin(self) -> None:
        """Nothing is built before it is known who answers."""
        self._end_part(HEAD)
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self._direct = False

    def on_headers_complete(self) -> None:
        """Decide who answers."""
        path, _, query = self.url.partition(b"?")
        if path in self._paths and self._may_answer():
            self._end_head()
            self._begin(self._paths[path], query)
            return
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers.extend(headers)
        super().on_headers_complete()

    def _may_answer(self) -> bool:
        return (
            self.parser.get_method() == b"POST"
            and not self._answering
            and not self.pipeline
            and (self.cycle is None or self.cycle.response_complete)
            and not self.expect_100_continue
            and not self.parser.should_upgrade()
        )

    def _begin(self, path: str, query: bytes) -> None:
        self._direct = self._answering = True
        self._path, self._query = path, read_query(query)
        self._started = time.perf_counter()
        self._told = read_headers(self.headers)
        self._request_id = self._requests.named(self._told.get(HEADER, ""))
        self._told[HEADER] = self._request_id  # the one under which it is answered, whatever the client sent
        self._keep_alive = self.parser.should_keep_alive() and self.parser.get_http_version() != "1.0"
        self._parts = []
        self._requests.in_flight += 1
        try:
            check_declared(self._told.get("content-length", ""))
            self._call = self._ingest.open("POST", path, self._told, self._query, self.address)
        except Problem as problem:
            self._refuse(problem)
        else:
            tenant = self._call.tenant
            if tenant is not None and tenant.id != self.tenant:
                self._keep_alive &= self.guard.known(self, tenant.id, self.tenant)
                self.tenant = tenant.id

    def on_body(self, body: bytes) -> None:
        """Keep what comes, as long as it may."""
        if not self._direct:
            if self.cycle is not None:
                super().on_body(body)
            return
        assert self._call is not None
        try:
            self._call.take(len(body))
        except Problem as problem:
            self._refuse(problem)
        else:
            self._parts.append(body)

    def on_message_complete(self) -> None:
        """Answer, once the log has taken the events."""
        if not self._direct:
            self._end_message()
            if self.cycle is not None:
                super().on_message_complete()
            return
        self._direct = False
        self._end_message()
        call = self._call
        assert call is not None
        self._call = None
        body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts = []
        task = self.loop.create_task(self._answer(call, body))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _answer(self, call: Call, body: bytes) -> None:
        CURRENT.set(self._request_id)
        try:
            response = await self._ingest.answer(call, body)
        finally:
            call.release()
        self._write(response)

    def _refuse(self, problem: Problem) -> None:
        """Answer at once; what else comes of this request is not looked at."""
        self._forget()
        self._write(self._ingest.refuse(problem, self._path, self._told, self._query))

    def _refuse_request(self, problem: Problem) -> None:
        """A body that is not whole in time is answered as its client reads it."""
        if not (self._direct and self._phase == BODY):
            super()._refuse_request(problem)
            return
        self.guard.cut[problem.code] += 1
        self._keep_alive = False
        self._refuse(problem)

    def _forget(self) -> None:
        self._direct = False
        self._parts = []
        if self._call is not None:
            self._call.release()
            self._call = None

    def _busy(self) -> bool:
        return self._answering or super()._busy()

    def pause_writing(self) -> None:
        """Take no further request from a client that does not read its answers."""
        super().pause_writing()
        self.flow.pause_reading()

    def resume_writing(self) -> None:
        super().resume_writing()
        self.flow.resume_reading()

    def _write(self, response: Response) -> None:
        self._answering = False
        self._requests.in_flight -= 1
        if self.transport.is_closing():
            return
        self._requests.answered("POST", self._path, response.status, time.perf_counter() - self._started)
        if response.status in refused.STATUSES:
            self._requests.refused(response.status, Request("POST", self._path, self._told, self._query))
        self.transport.write(
            b"".join(
                (
                    head(response.status, *response.headers.items()),
                    _own(*self.server_state.default_headers),
                    b"" if self._keep_alive else b"connection: close\r\n",
                    b"%b: %b\r\n" % (_ID, self._request_id.encode()),
                    b"content-length: %d\r\n\r\n" % len(response.body),
                    response.body,
                )
            )
        )
        if not self._keep_alive:
            self.transport.close()
        self.on_response_complete()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        """A pipelined request waits for the answer to the one before it."""
        if self._answering:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, app))
        else:
            super()._start_asgi_task(cycle, app)

    def connection_lost(self, exc: Exception | None) -> None:
        """A body that is not whole is forgotten; what the log is being told is not."""
        if self._direct:
            self._forget()
            self._answering = False
            self._requests.in_flight -= 1
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """The server stops: an answer that is under way is still given."""
        if self._answering:
            self._keep_alive = False
        else:
            super().shutdown()


@lru_cache(maxsize=4)
def _own(*headers: tuple[bytes, bytes]) -> bytes:
    """What uvicorn adds to every answer; it changes once a second."""
    return b"".join(b"%b: %b\r\n" % header for header in headers)
