"""The Segment family (Segment, Rudder, Jitsu; docs/protocols.md#segment-family): one item format under many paths.

Success is always 200: rudder-python takes any other status for a failure and sends everything again. A bad item does
not fail the request, and errors have the body that all of these clients can read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ingest.accept import Accepted, Dialect
from ingest.envelope import Envelope
from ingest.http import Request, Response, answer, sdk_problem_answer
from ingest.protocols.protocol import Lookup, Protocol, Route
from schemas.tenants import Tenant

_SINGLE = {
    "track": ("/v1/t", "/v1/track", "/api/s/track"),
    "identify": ("/v1/i", "/v1/identify", "/api/s/identify"),
    "page": ("/v1/p", "/v1/page", "/api/s/page"),
    "screen": ("/v1/s", "/v1/screen", "/api/s/screen"),
    "alias": ("/v1/a", "/v1/alias", "/api/s/alias"),
    "group": ("/v1/g", "/v1/group", "/api/s/group"),
}
_UNREAD = (
    "_metadata",
    "category",
    "channel",
    "groupId",
    "integrations",
    "library",
    "projectId",
    "request_ip",
    "rudderId",
    "version",
)
_BATCH = ("/v1/batch", "/v1/b", "/v1/import", "/beacon/v1/batch")


def _named_by(default: str) -> Callable[[Envelope], Any]:
    """A track call is named by its event, every other by its type (the path's where the item has none)."""

    def named(envelope: Envelope) -> Any:
        kind = envelope.type if envelope.type not in (None, "") else default
        if kind == "track" or (not kind and envelope.event is not None):
            return envelope.event
        return kind if kind in _SINGLE else None

    return named


def _dialect(default: str) -> Dialect:
    return Dialect("segment", "batch", _named_by(default), _UNREAD)


def success(outcome: Accepted) -> Response:
    """Also when no item was good: these clients would send the same again for ever."""
    content: dict[str, Any] = {"success": True, "accepted": outcome.accepted, "rejected": outcome.rejected}
    if outcome.warnings:
        content["warnings"] = outcome.warnings
    return answer(200, content)


def settings(request: Request, key: str, _tenant: Tenant) -> Response:
    """What analytics.js loads first: send everything to the host that it loaded this from."""
    host = request.headers.get("host", "")
    scheme = request.headers.get("x-forwarded-proto", "").split(",")[0].strip()
    destination: dict[str, Any] = {"apiKey": key, "addBundledMetadata": True, "unbundledIntegrations": []}
    if host:
        destination["apiHost"] = f"{host}/v1"
    if scheme in ("http", "https"):
        destination["protocol"] = scheme
    content = {"integrations": {"Segment.io": destination}, "plan": {"track": {}, "identify": {}, "group": {}}}
    return answer(200, content).with_headers({"cache-control": "public, max-age=60"})


PROTOCOL = Protocol(
    "segment",
    (
        *(Route(path, _dialect("")) for path in _BATCH),
        *(Route(path, _dialect(kind)) for kind, paths in _SINGLE.items() for path in paths),
    ),
    success,
    sdk_problem_answer,
    (Lookup("/v1/projects/", "/settings", settings),),
)
