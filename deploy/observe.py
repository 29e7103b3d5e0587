"""What every service tells of itself: alive, ready, and its signals; and the counting of requests around an app."""

from __future__ import annotations

import logging
import os
import resource
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse

from deploy import refused
from deploy.clock import clock
from deploy.refused import Refused
from ingest.http import Request, read_headers, read_query
from schemas import signals
from schemas.outage import Outage
from schemas.signals import Histogram, Reading, Signal, prometheus
from schemas.tracing import CURRENT, HEADER, SCOPE, RequestIds

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


logger = logging.getLogger(__name__)
STARTED_AT = time.time()
WARN_SECONDS = 1.0
_HEADER = HEADER.encode()
PROBES = frozenset({"/healthz", "/readyz", "/metrics"})


class Counting:
    """ASGI middleware: requests by status, how many are being answered, and how long each kind waits for its answer.

    Every answer names the request's id, and so do the log records that are written while it is made.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._ids = RequestIds()
        self._failed = Counter[int]()
        self._warned_at = 0.0
        self._refused = Refused()
        self.by_status: Counter[str] = Counter()
        self.in_flight = 0
        self.cut: Counter[str] = Counter()
        self.seconds = {kind: Histogram() for kind in ("write", "read", "probe")}

    def readings(self) -> dict[Signal, Reading]:
        """What `/metrics` tells of requests."""
        return {
            signals.REQUESTS: dict(self.by_status),
            signals.IN_FLIGHT: self.in_flight,
            signals.REQUEST_SECONDS: self.seconds,
            signals.CONNECTIONS_CUT: dict(self.cut),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        request_id = self.named(_given(scope))
        scope[SCOPE] = request_id
        CURRENT.set(request_id)
        began = time.perf_counter()

        def counted(message: Message) -> Awaitable[None]:  # no coroutine of its own: this runs twice a request
            if message["type"] == "http.response.start":
                self.answered(scope["method"], scope["path"], message["status"], time.perf_counter() - began)
                if message["status"] in refused.STATUSES:
                    asked = read_headers(scope["headers"]), read_query(scope["query_string"])
                    self.refused(message["status"], Request(scope["method"], scope["path"], *asked))
                message["headers"] = [*message.get("headers", ()), (_HEADER, request_id.encode())]
            return send(message)

        self.in_flight += 1
        try:
            await self._app(scope, receive, counted)
        finally:
            self.in_flight -= 1

    def named(self, given: str) -> str:
        """The id of a request: the caller's own where it is fit for that."""
        return self._ids.of(given)

    def answered(self, method: str, path: str, status: int, seconds: float) -> None:
        """Count an answer that is about to be written."""
        self.by_status[str(status)] += 1
        self.seconds[_kind(method, path)].observe(seconds)
        if status >= 500:
            self._warn(method, path, status, seconds)

    def refused(self, status: int, request: Request) -> None:
        """Log an answer of `refused.STATUSES`, if the same was not logged just now."""
        for line in self._refused.lines(status, request, time.monotonic()):
            logger.warning("%s", line)

    def _warn(self, method: str, path: str, status: int, seconds: float) -> None:
        """Tell of a failure; of many only one a second, and how many there were: an overload must not be made worse."""
        self._failed[status] += 1
        if path in PROBES or time.monotonic() - self._warned_at < WARN_SECONDS:
            return
        self._warned_at = time.monotonic()
        asked = f"{method} {path[:200]}"
        logger.warning("%s answered %d after %.0f ms (%s so far)", asked, status, seconds * 1000, dict(self._failed))


def _given(scope: Scope) -> str:
    """The caller's own id of the request."""
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == _HEADER), "")


def _kind(method: str, path: str) -> str:
    if method == "POST":
        return "write"
    return "probe" if path in PROBES else "read"


def process() -> dict[Signal, Reading]:
    """What any process tells of itself; its memory where the system says it as Linux does."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    told: dict[Signal, Reading] = {
        signals.PROCESS_CPU: used.ru_utime + used.ru_stime,
        signals.PROCESS_START: STARTED_AT,
    }
    try:
        with open("/proc/self/statm", encoding="ascii") as sizes:  # noqa: PTH123 -- a file of the kernel, read often
            told[signals.PROCESS_MEMORY] = int(sizes.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        pass
    return told


def router(
    not_ready: Callable[[], Awaitable[str]],
    readings: Callable[[], Mapping[Signal, Reading]],
    damages: Callable[[], Sequence[str]] = tuple,
) -> APIRouter:
    """`/healthz`, `/readyz`, `/metrics`. `not_ready` answers why, or "" when the service can do its work; `damages` are
    rows that were lost, though it can.
    """
    routes = APIRouter(tags=["service"])
    outage = Outage()

    async def looked() -> dict[str, str]:
        """What is missing and since when, or nothing."""
        reason = await not_ready()
        if reason:
            return {"reason": reason, "since": outage.seen(clock())}
        outage.over()
        return {}

    @routes.get("/healthz", summary="Whether the process is alive")
    async def healthz() -> JSONResponse:
        return JSONResponse({"status": "alive"})

    @routes.get("/readyz", summary="Whether the service can do its work")
    async def readyz() -> JSONResponse:
        if missing := await looked():
            return JSONResponse({"status": "unready", **missing}, 503, {"Retry-After": "2"})
        return JSONResponse({"status": "ready", **({"damages": lost} if (lost := list(damages())) else {})})

    @routes.get("/metrics", summary="Signals in Prometheus' text format", response_class=PlainTextResponse)
    async def metrics() -> PlainTextResponse:
        told = {signals.READY: float(not await looked()), **readings(), **process()}
        return PlainTextResponse(prometheus(told), media_type=signals.MEDIA_TYPE)

    return routes
