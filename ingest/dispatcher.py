"""Producers' requests straight from the server's protocol (ASGI), without the web framework.

Most of what a request costs here is not the event in it, so the paths that SDKs post to are answered in front of the
app; everything rare (other methods, look-ups, webhooks, documents) goes on to the app, whose own producers' routes end
in the same `respond`. A request is read once, counted while it is read, and answered with exactly two messages.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from functools import lru_cache
from typing import Any

from ingest.body import check_size
from ingest.call import Call
from ingest.http import Response, read_headers, read_query
from ingest.service import Ingest
from schemas.errors import Problem
from schemas.tracing import HEADER, SCOPE

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_WITHOUT_LENGTH = frozenset({204, 304})


class Dispatcher:
    """ASGI app in front of `app`: POSTs to the paths of client families are answered here, all else there."""

    def __init__(self, app: App, ingest: Ingest) -> None:
        self._app = app
        self._ingest = ingest
        self._paths = ingest.post_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] in self._paths and scope["method"] == "POST":
            await respond(self._ingest, scope, receive, send)
        else:
            await self._app(scope, receive, send)


async def respond(ingest: Ingest, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request with two messages, or with none if the client goes away before its body is here."""
    path = scope["path"]
    headers, query = read_headers(scope["headers"]), read_query(scope["query_string"])
    headers[HEADER] = scope.get(SCOPE, "")  # the one under which it is answered, whatever the client sent
    call: Call | None = None
    try:
        check_declared(headers.get("content-length", ""))
        client = scope.get("client")
        call = ingest.open(scope["method"], path, headers, query, client[0] if client else "")
        body = b""
        parts: list[bytes] = []
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body = message.get("body", b"")
            more = message.get("more_body", False)
            call.take(len(body))
            if more or parts:
                parts.append(body)
        response = await ingest.answer(call, b"".join(parts) if parts else body)
    except Problem as problem:
        response = ingest.refuse(problem, path, headers, query)
    finally:
        if call is not None:
            call.release()
    await send({"type": "http.response.start", "status": response.status, "headers": _headers(response)})
    await send({"type": "http.response.body", "body": response.body})


def check_declared(length: str) -> None:
    """Raise `Problem` before anything is read. What is no number says nothing: the bytes are counted anyway."""
    if length.isascii() and length.isdigit():
        check_size(int(length[:20]))


def _headers(response: Response) -> list[tuple[bytes, bytes]]:
    encoded = _encoded(*response.headers.items())
    if response.status in _WITHOUT_LENGTH:
        return [*encoded]
    return [*encoded, (b"content-length", b"%d" % len(response.body))]


@lru_cache(maxsize=1024)
def _encoded(*headers: tuple[str, str]) -> tuple[tuple[bytes, bytes], ...]:
    """Nearly every answer has one of a few sets of headers."""
    return tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in headers)
