"""Producers' routes on the web framework: what they are and how they are documented; `dispatcher.respond` answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter
from fastapi import Response as HttpResponse

from ingest.dispatcher import Receive, Scope, Send, respond
from ingest.protocols import PROTOCOLS
from ingest.service import WEBHOOK_PATH, Ingest
from ingest.webhooks import WEBHOOKS
from schemas.errors import PROBLEM_MEDIA_TYPE, PROBLEMS

Endpoint = Callable[[], Awaitable[HttpResponse]]
_EVENT = {
    "messageId": "m1",
    "event": "product_added",
    "timestamp": "2026-11-18T09:58:00.000Z",
    "userId": "u1",
    "sessionId": "s1",
    "context": {"country": "DE", "channel": "web", "device": {"type": "mobile"}},
    "properties": {"cart_id": "c1", "product_id": "p1", "price": 19.9, "quantity": 1, "currency": "EUR"},
}
_TOLD: dict[str, tuple[str, str, tuple[int, ...], Any]] = {
    "native": (
        "Send events",
        (
            'One event, `{"events": […]}`, a JSON array, or NDJSON; gzip is recognised by its first bytes. Answers '
            "after the events are stored. A duplicate (same messageId) counts as accepted and is counted once."
        ),
        (202, 422),
        _EVENT,
    ),
    "segment": (
        "Send events as Segment's SDKs do",
        (
            "For the SDKs of Segment, RudderStack and Jitsu: set their host to this server and their write key to one "
            "of yours. Answers 200 after the events are stored, and lists the items that were refused."
        ),
        (200,),
        {"batch": [{"type": "track", **_EVENT}], "sentAt": "2026-11-18T09:58:01.000Z"},
    ),
}
_REFUSALS = (400, 401, 403, 413, 415, 429, 503)
_PROBLEM = {
    "type": "object",
    "required": ["code"],
    "properties": {"code": {"type": "string", "enum": sorted(PROBLEMS)}, "detail": {"type": "string"}},
}
_OUTCOME = {
    "type": "object",
    "required": ["accepted", "rejected"],
    "properties": {
        "accepted": {"type": "integer"},
        "rejected": {"type": "array", "items": {"type": "object"}},
        "warnings": {"type": "array", "items": {"type": "object"}},
    },
}


def router(ingest: Ingest) -> APIRouter:
    """Everything that producers call."""
    api = APIRouter(tags=["send"])
    endpoint = _endpoint(ingest)
    for name, protocol in PROTOCOLS.items():
        title, text, statuses, example = _TOLD.get(name, (name, "", (200,), {}))
        refusal = PROBLEM_MEDIA_TYPE if name == "native" else "application/json"
        paths = [route.path for route in protocol.routes]
        if len(paths) > 1:
            text = f"{text}\n\nThe same at: {', '.join(paths[1:])}."
        for number, path in enumerate(paths):
            documented = _operation(text, example, statuses, refusal)
            _add(api, path, "POST", endpoint, title=title, documented=documented, in_schema=number == 0)
        for lookup in protocol.lookups:
            _add(
                api,
                f"{lookup.prefix}{{key}}{lookup.suffix}",
                "GET",
                endpoint,
                title=title,
                documented=None,
                in_schema=False,
            )
    text = f"Signed webhooks of {', '.join(sorted(WEBHOOKS))}. Answers 200 once the events are stored."
    documented = _operation(text, {}, (200,), PROBLEM_MEDIA_TYPE)
    documented["responses"]["404"] = documented["responses"]["401"]
    documented["parameters"] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in ("kind", "source_id")
    ]
    _add(api, WEBHOOK_PATH + "{kind}/{source_id}", "POST", endpoint, title="Receive a webhook", documented=documented)
    return api


class _Answering(HttpResponse):
    """A response that reads the request itself: body, limits and answer are the dispatcher's."""

    def __init__(self, ingest: Ingest) -> None:
        super().__init__()
        self._ingest = ingest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await respond(self._ingest, scope, receive, send)


def _endpoint(ingest: Ingest) -> Endpoint:
    async def endpoint() -> HttpResponse:
        return _Answering(ingest)

    return endpoint


def _add(
    api: APIRouter,
    path: str,
    method: str,
    endpoint: Endpoint,
    *,
    title: str,
    documented: dict[str, Any] | None,
    in_schema: bool = True,
) -> None:
    name = path.strip("/").replace("/", "_")
    status = int(next(iter(documented["responses"]))) if documented else 200
    api.add_api_route(
        path,
        endpoint,
        methods=[method],
        summary=title,
        name=name,
        openapi_extra=documented,
        include_in_schema=in_schema,
        response_class=HttpResponse,
        status_code=status,
    )
    api.add_api_route(path, endpoint, methods=["OPTIONS"], include_in_schema=False)


def _operation(text: str, example: Any, statuses: tuple[int, ...], refusal: str) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status in statuses:
        kind, schema = ("application/json", _OUTCOME) if status < 400 else (refusal, _PROBLEM)
        responses[str(status)] = {"description": "What became of the items", "content": {kind: {"schema": schema}}}
    for status in _REFUSALS:
        title = ", ".join(kind.title for kind in PROBLEMS.values() if kind.status == status)
        responses[str(status)] = {"description": title, "content": {refusal: {"schema": _PROBLEM}}}
    return {
        "description": text,
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"type": ["object", "array"]}, "example": example}},
        },
        "responses": responses,
    }
