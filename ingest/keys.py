"""Whose events these are: the write key, wherever a client family puts it, and which pages may send."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Iterator

from ingest.exchange import Request
from schemas.errors import Problem
from schemas.tenants import Tenant, Tenants

_IN_QUERY = ("write_key", "writeKey", "writekey", "api_key", "token")
_LONGEST = 1024


def _offered(request: Request, in_body: str) -> Iterator[str]:
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            yield b64decode(secret.strip()).decode(errors="replace").partition(":")[0]
        except (binascii.Error, ValueError):
            yield ""
    elif scheme.lower() == "bearer":
        yield secret.strip()
    yield request.headers.get("x-write-key", "")
    for name in _IN_QUERY:
        yield request.query.get(name, "")
    yield in_body


def tenant_of(tenants: Tenants, request: Request, in_body: str = "") -> Tenant:
    """The tenant of the first known write key. Raises `Problem`: 401 for nobody's, 403 for a read token."""
    offered = [key for key in _offered(request, in_body) if 0 < len(key) <= _LONGEST]
    for key in offered:
        found = tenants.by_write_key(key)
        if found is not None:
            return found
    if any(tenants.by_read_token(key) is not None for key in offered):
        raise Problem("forbidden", "A read token cannot write; use a write key.")
    raise Problem("unauthorized", "Expected a write key: Basic user, Bearer, X-Write-Key or ?write_key=.")


def origin_headers(tenants: Tenants, tenant: Tenant | None, request: Request) -> dict[str, str]:
    """CORS for an answer. Before a tenant is known, any origin that some tenant allows may read the refusal."""
    origin = request.headers.get("origin")
    if not origin:
        return {}
    headers = {"vary": "Origin"}
    if any(each.allows(origin) for each in ((tenant,) if tenant else tenants.all)):
        headers |= {
            "access-control-allow-origin": origin,
            "access-control-allow-credentials": "true",
            "access-control-expose-headers": "retry-after",
        }
    return headers


def preflight_headers(tenants: Tenants, request: Request) -> dict[str, str]:
    """A preflight carries no key: it is granted to every origin that some tenant allows."""
    headers = origin_headers(tenants, None, request)
    if "access-control-allow-origin" in headers:
        headers |= {
            "access-control-allow-methods": "GET, POST, OPTIONS",
            "access-control-allow-headers": request.headers.get("access-control-request-headers", "content-type"),
            "access-control-max-age": "7200",
        }
    return headers
