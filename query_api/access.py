"""Who may read what: a read token as Bearer or cookie names the tenant; a write key opens nothing here."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping

from schemas.errors import Problem
from schemas.tenants import Tenant, Tenants

COOKIE = "sojourn_read"
_LONGEST = 1024


def tenant_of(tenants: Tenants, headers: Mapping[str, str], cookies: Mapping[str, str]) -> Tenant:
    """Raises `Problem`: 401 for nobody's secret, 403 for one that is no read token."""
    scheme, _, secret = headers.get("authorization", "").partition(" ")
    bearer = secret.strip() if scheme.lower() == "bearer" else ""
    offered = [each for each in (bearer, cookies.get(COOKIE, "")) if 0 < len(each) <= _LONGEST]
    for token in offered:
        found = tenants.by_read_token(token)
        if found is not None:
            return found
    others = (headers.get("x-write-key", ""), _basic_user(secret) if scheme.lower() == "basic" else "")
    if any(tenants.by_write_key(key) is not None for key in (*offered, *others) if 0 < len(key) <= _LONGEST):
        raise Problem("forbidden", "a write key cannot read; use a read token")
    raise Problem("unauthorized", "expected a read token: Authorization: Bearer …")


def _basic_user(secret: str) -> str:
    try:
        return b64decode(secret, validate=True).decode().partition(":")[0]
    except (binascii.Error, ValueError):
        return ""


def origin_headers(tenants: Tenants, tenant: Tenant | None, origin: str | None) -> dict[str, str]:
    """CORS for an answer: a page of an origin that the tenant allows may read it.

    A refusal before a tenant is known may be read from any origin that some tenant allows: it tells nothing of anyone.
    """
    if origin is None:
        return {}
    headers = {"vary": "Origin"}
    if any(each.allows(origin) for each in ((tenant,) if tenant else tenants.all)):
        headers["access-control-allow-origin"] = origin
        headers["access-control-expose-headers"] = "ETag, Retry-After, X-Request-Id"
    return headers


PREFLIGHT: Mapping[str, str] = {
    "access-control-allow-methods": "GET",
    "access-control-allow-headers": "Authorization, If-None-Match, Last-Event-ID",
    "access-control-max-age": "600",
    "vary": "Origin",
}
"""A preflight carries no token: any origin may send its question, `origin_headers` decides who may read the answer."""
