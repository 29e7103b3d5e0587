"""The Segment family (Segment, RudderStack, Jitsu): its SDKs work unchanged when only their host is set to ours.

Some of them take nothing but 200 for success, and read `code` and `message` of an error body, so both are given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ingest.accept import Accepted, Dialect
from ingest.exchange import Protocol, Response, json_response, told
from ingest.item import Envelope
from schemas.errors import Problem, problem_headers

_TYPES = {"t": "track", "i": "identify", "p": "page", "s": "screen", "a": "alias", "g": "group"}


def _named(default: str) -> Callable[[Envelope], Any]:
    """The event of a track call; any other call is an event by its type (a `page`, an `identify`, …)."""

    def named(envelope: Envelope) -> Any:
        kind = envelope.type or default
        return envelope.event if kind in ("track", "") else kind

    return named


def _dialects() -> dict[str, Dialect]:
    batch = Dialect("segment", "batch", _named(""))
    paths = dict.fromkeys(("/v1/batch", "/v1/b", "/v1/import"), batch)
    for letter, kind in _TYPES.items():
        single = Dialect("segment", "batch", _named(kind))
        paths |= {f"/v1/{letter}": single, f"/v1/{kind}": single}
    return paths


def respond(outcome: Accepted) -> Response:
    """Always 200: a bad item would be sent again and again otherwise; what was refused is listed and kept."""
    return json_response(200, {"success": True, **told(outcome)})


def refuse(problem: Problem) -> Response:
    """One body that all SDKs of the family (and PostHog's, Mixpanel's) can read."""
    headers = {**problem_headers(problem), "content-type": "application/json"}
    content = {
        "code": problem.code,
        "message": problem.detail,
        "error": problem.kind.title,
        "detail": problem.detail,
        "status": 0,
    }
    return Response(problem.status, json_response(problem.status, content).body, headers)


def settings(key: str, headers: Mapping[str, str]) -> Response:
    """What analytics.js asks before it sends: where to send to. It has no secret."""
    host = headers.get("host", "")
    target = {"apiKey": key, "apiHost": f"{host}/v1", "protocol": headers.get("x-forwarded-proto", "http")}
    return json_response(200, {"integrations": {"Segment.io": target}, "plan": {}})


PROTOCOL = Protocol(
    name="segment",
    title="Segment-compatible",
    meaning="For the SDKs of Segment, RudderStack and Jitsu: set their host to this server and their write key to one "
    "of yours. Answers 200 after the events are stored, with the items that were refused.",
    dialects=_dialects(),
    respond=respond,
    refuse=refuse,
    example={
        "batch": [
            {
                "type": "track",
                "event": "Order Completed",
                "messageId": "m1",
                "userId": "u1",
                "timestamp": "2026-11-22T00:43:36.681+00:00",
                "properties": {"order_id": "o1", "total": 30, "currency": "EUR"},
            }
        ],
        "sentAt": "2026-11-22T00:43:36.900Z",
    },
    statuses=(200,),
    settings={"/v1/projects/{key}/settings": settings},
)
