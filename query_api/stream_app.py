"""`/v1/stream` as a route: who may listen, from where a reader goes on, and how the web framework carries it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from fastapi import APIRouter, Request, Response, Security
from fastapi.security import HTTPBearer

from query_api.access import mark_private, tenant_of, token_of
from query_api.catalogue import stream_parameters
from query_api.live import Live
from query_api.sse import HEADERS, Receive, Scope, Send, Stream, Times
from schemas.errors import Problem
from schemas.periods import parse_instant
from schemas.tenants import Tenant, Tenants

STREAM = "/v1/stream"
_DESCRIPTION = """`event: metric`: the body of a metric, at once and whenever anything in it has changed but its time;
its id is the watermark, and a reader that comes back with `Last-Event-ID` is sent what has changed since.
`event: watermark`: everything up to it has been sent. `event: alive`: nothing is new. One of these comes at least every
5 seconds. `event: problem`: a metric cannot be answered now, and why; it is tried again. A comment comes every 15
seconds. A reader that takes nothing for 30 seconds is cut off."""


class _Streaming(Response):
    """A response that goes on until its reader leaves or is let go."""

    media_type = "text/event-stream"

    def __init__(self, stream: Stream, leave: Callable[[], None]) -> None:
        super().__init__(headers=HEADERS)
        del self.headers["content-length"]
        self._stream = stream
        self._leave = leave

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._stream.serve(scope, receive, send, self.raw_headers)
        finally:
            self._leave()


def add_stream(
    api: APIRouter,
    live: Live,
    tenants: Tenants,
    pay: Callable[[Tenant, str], None],
    times: Times,
    *,
    refused: Callable[[Problem], Response],
    responses: Mapping[int | str, dict[str, Any]],
) -> None:
    """Add the route; `pay` counts a stream against quotas, `refused` makes the answer of a problem, `responses`
    documents those that all questions share.
    """

    async def listen(request: Request) -> Response:
        tenant: Tenant | None = None
        try:
            tenant = tenant_of(tenants, request.headers, request.cookies)
            pay(tenant, token_of(request.headers))
            seen = _watermark_seen(request.headers.get("last-event-id"))
            listener = live.listen(request.query_params.multi_items(), tenant, seen)
        except Problem as problem:
            response = refused(problem)
        else:
            stream = Stream(listener, partial(_still_reads, tenants, request, tenant.id), times)
            response = _Streaming(stream, partial(live.leave, listener))
        mark_private(response.headers, tenants, tenant, request.headers.get("origin"))
        return response

    api.add_api_route(
        STREAM,
        listen,
        methods=["GET"],
        summary="Several metrics as they change (server-sent events)",
        description=_DESCRIPTION,
        operation_id="stream",
        status_code=200,
        tags=["query"],
        response_model=None,
        response_class=_Streaming,
        responses={
            200: {"description": "The stream", "content": {"text/event-stream": {"schema": {"type": "string"}}}},
            **{status: told for status, told in responses.items() if status != 304},
            404: {**responses[400], "description": "There is no such metric"},
            429: {**responses[400], "description": "Too many streams or different questions are open"},
        },
        openapi_extra={"parameters": stream_parameters()},
        dependencies=[Security(HTTPBearer(scheme_name="readToken", auto_error=False))],
    )


def _watermark_seen(last_event_id: str | None) -> int | None:
    """What a reader has seen that comes back; an id that is none of ours is as good as none."""
    try:
        return parse_instant(last_event_id, "UTC") if last_event_id else None
    except ValueError:
        return None


def _still_reads(tenants: Tenants, request: Request, tenant_id: str) -> bool:
    try:
        return tenant_of(tenants, request.headers, request.cookies).id == tenant_id
    except Problem:
        return False
