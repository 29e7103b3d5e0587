"""Keeps what is for the people who run the service from strangers: `/metrics`, and `/docs` with its OpenAPI document.

Both stand on the port to which producers send. Without `SOJOURN_METRICS_TOKEN` signals are for programs on the same
machine, with it for those that have it. The documents are also for everybody with a key of a tenant.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from ipaddress import IPv6Address, ip_address
from typing import Any

from ingest.access import key_of, writer
from ingest.http import Request, read_headers, read_query
from query_api.access import tenant_of
from schemas.errors import Problem, problem_headers, problem_json
from schemas.settings import METRICS_TOKEN
from schemas.tenants import Tenants

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

SIGNALS = "/metrics"
DOCUMENTS = frozenset({"/docs", "/openapi.json"})
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")


@dataclass(frozen=True, slots=True)
class Visitors:
    """Who is inside: holders of the metrics token, and of a key or session of these tenants."""

    token: str
    tenants: Tenants | None = None

    def refusal(self, scope: Scope) -> Problem | None:
        """Why this request may not be answered, if it may not."""
        path = scope["path"]
        if path != SIGNALS and path not in DOCUMENTS:
            return None
        headers = read_headers(scope["headers"])
        if self._has_token(headers):
            return None
        if path == SIGNALS and self.token:
            return Problem("unauthorized", f"Send {METRICS_TOKEN.variable} as a Bearer token.")
        if is_local(scope, headers):
            return None
        if path == SIGNALS:
            return Problem(
                "forbidden", f"Signals are for this machine; {METRICS_TOKEN.variable} lets holders of it read them too."
            )
        if self.tenants is not None and _has_key(self.tenants, headers, read_query(scope["query_string"])):
            return None
        return Problem("unauthorized", "The documents are for those who have a key: sign in at /, or send a key.")

    def _has_token(self, headers: Mapping[str, str]) -> bool:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        return bool(self.token) and scheme.lower() == "bearer" and _same(token.strip(), self.token)


def is_local(scope: Scope, headers: Mapping[str, str]) -> bool:
    """Whether a program on this machine asks, and not for somebody else, as a proxy does."""
    if any(name in headers for name in _FORWARDED):
        return False
    try:
        found = ip_address((scope.get("client") or ("", 0))[0])
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return (mapped or found).is_loopback


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(errors="replace"), other.encode())


def _has_key(tenants: Tenants, headers: Mapping[str, str], query: Mapping[str, str]) -> bool:
    try:
        writer(tenants, key_of(Request("GET", "/", headers, query)))
    except Problem as problem:
        if problem.code == "forbidden":  # a read token
            return True
    else:
        return True
    try:
        tenant_of(tenants, headers, _cookies(headers))
    except Problem:
        return False
    return True


def _cookies(headers: Mapping[str, str]) -> dict[str, str]:
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(headers.get("cookie", "")).items()}
    except CookieError:
        return {}


class Inside:
    """ASGI middleware that refuses strangers."""

    def __init__(self, app: App, visitors: Visitors) -> None:
        self._app = app
        self._visitors = visitors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        problem = self._visitors.refusal(scope) if scope["type"] == "http" else None
        if problem is None:
            await self._app(scope, receive, send)
            return
        told = {**problem_headers(problem), "cache-control": "private, no-store", "vary": "Cookie, Authorization"}
        if problem.status == 401:
            told["www-authenticate"] = "Bearer"
        body = problem_json(problem)
        headers = [(name.encode(), value.encode()) for name, value in told.items()]
        headers.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": problem.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
