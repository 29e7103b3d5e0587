"""What every service tells of itself: alive, ready, and its signals; and the counting of requests around an app."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse

from schemas.signals import Reading, Signal, prometheus

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Counting:
    """ASGI middleware: requests by status, and how many are being answered."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.by_status: Counter[str] = Counter()
        self.in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        def counted(message: Message) -> Awaitable[None]:  # no coroutine of its own: this runs twice a request
            if message["type"] == "http.response.start":
                self.by_status[str(message["status"])] += 1
            return send(message)

        self.in_flight += 1
        try:
            await self._app(scope, receive, counted)
        finally:
            self.in_flight -= 1


def router(not_ready: Callable[[], Awaitable[str]], readings: Callable[[], Mapping[Signal, Reading]]) -> APIRouter:
    """`/healthz`, `/readyz`, `/metrics`. `not_ready` answers why, or "" when the service can do its work."""
    routes = APIRouter(tags=["service"])

    @routes.get("/healthz", summary="Whether the process is alive")
    async def healthz() -> JSONResponse:
        return JSONResponse({"status": "alive"})

    @routes.get("/readyz", summary="Whether the service can do its work")
    async def readyz() -> JSONResponse:
        reason = await not_ready()
        if reason:
            return JSONResponse({"status": "unready", "reason": reason}, 503, {"Retry-After": "2"})
        return JSONResponse({"status": "ready"})

    @routes.get("/metrics", summary="Signals in Prometheus' text format", response_class=PlainTextResponse)
    async def metrics() -> PlainTextResponse:
        return PlainTextResponse(prometheus(readings()), media_type="text/plain; version=0.0.4; charset=utf-8")

    return routes
