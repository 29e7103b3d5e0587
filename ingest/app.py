"""Producers' routes on the web framework: each reads its body within the limit and hands it to `Ingest.handle`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter
from fastapi import Request as HttpRequest
from fastapi import Response as HttpResponse

from ingest.body import MAX_WIRE_BYTES
from ingest.exchange import Protocol, Request, Response
from ingest.protocols import PROTOCOLS
from ingest.service import WEBHOOKS_UNDER, Ingest
from ingest.webhooks import WEBHOOKS
from schemas.errors import PROBLEM_MEDIA_TYPE, PROBLEMS

Endpoint = Callable[[HttpRequest], Awaitable[HttpResponse]]
_REFUSALS = (400, 401, 403, 413, 415, 503)
_PROBLEM_SCHEMA = {
    "type": "object",
    "required": ["code"],
    "properties": {"code": {"type": "string", "enum": sorted(PROBLEMS)}, "detail": {"type": "string"}},
}
_OUTCOME_SCHEMA = {
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
    api = APIRouter()
    for protocol in PROTOCOLS:
        for number, path in enumerate(protocol.dialects):
            _post(api, ingest, path, protocol.title, _documented(protocol), in_schema=number == 0)
        for path in protocol.settings:
            _settings(api, ingest, path)
    names = ", ".join(sorted(WEBHOOKS))
    text = f"Webhooks of {names}, verified by their signature. Answers 200 once the events are stored."
    example = next(iter(WEBHOOKS.values())).example
    documentation = _operation(text, example, (200,))
    documentation["parameters"] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in ("kind", "source_id")
    ]
    _post(api, ingest, WEBHOOKS_UNDER + "{kind}/{source_id}", "Receive a webhook", documentation)
    return api


async def _received(request: HttpRequest) -> Request | None:
    """The request with its body, None if the body is too large: then the rest of it is not read."""
    length = request.headers.get("content-length", "0")
    if length.isdigit() and int(length) > MAX_WIRE_BYTES:
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_WIRE_BYTES:
            return None
    return _request(request, bytes(body))


def _request(request: HttpRequest, body: bytes = b"") -> Request:
    return Request(request.method, request.url.path, dict(request.headers), dict(request.query_params), body)


def _answer(response: Response) -> HttpResponse:
    return HttpResponse(response.body, response.status, dict(response.headers))


def _post(
    api: APIRouter, ingest: Ingest, path: str, title: str, documentation: dict[str, Any], *, in_schema: bool = True
) -> None:
    async def endpoint(request: HttpRequest) -> HttpResponse:
        received = await _received(request)
        return _answer(ingest.too_large(_request(request)) if received is None else await ingest.handle(received))

    api.add_api_route(
        path,
        endpoint,
        methods=["POST"],
        summary=title,
        name=path.strip("/").replace("/", "_"),
        openapi_extra=documentation,
        include_in_schema=in_schema,
        response_class=HttpResponse,
        status_code=int(next(iter(documentation["responses"]))),
        tags=["send"],
    )
    api.add_api_route(path, endpoint, methods=["OPTIONS"], include_in_schema=False)


def _settings(api: APIRouter, ingest: Ingest, path: str) -> None:
    async def endpoint(request: HttpRequest) -> HttpResponse:
        return _answer(ingest.settings(path, request.path_params["key"], _request(request)))

    api.add_api_route(path, endpoint, methods=["GET"], include_in_schema=False)


def _documented(protocol: Protocol) -> dict[str, Any]:
    paths = ", ".join(protocol.dialects)
    media_type = PROBLEM_MEDIA_TYPE if protocol.name == "native" else "application/json"
    return _operation(f"{protocol.meaning}\n\nThe same at: {paths}.", protocol.example, protocol.statuses, media_type)


def _operation(
    text: str, example: Any, statuses: tuple[int, ...], media_type: str = PROBLEM_MEDIA_TYPE
) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status in statuses:
        kind, schema = ("application/json", _OUTCOME_SCHEMA) if status < 400 else (media_type, _PROBLEM_SCHEMA)
        responses[str(status)] = {"description": "What became of the items", "content": {kind: {"schema": schema}}}
    for status in _REFUSALS:
        title = ", ".join(kind.title for kind in PROBLEMS.values() if kind.status == status)
        responses[str(status)] = {"description": title, "content": {media_type: {"schema": _PROBLEM_SCHEMA}}}
    return {
        "description": text,
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"type": ["object", "array"]}, "example": example}},
        },
        "responses": responses,
    }
