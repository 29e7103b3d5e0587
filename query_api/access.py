"""Who may read what: a read token as Bearer or a session's cookie names the tenant; a write key opens nothing here."""

from __future__ import annotations

import binascii
import time
from base64 import b64decode
from collections.abc import Mapping
from typing import Protocol

from query_api import sessions
from schemas.errors import Problem
from schemas.tenants import LONGEST_SECRET, Tenant, Tenants

COOKIE = "sojourn_session"
BY_READER: Mapping[str, str] = {"cache-control": "private, no-store", "vary": "Cookie, Authorization"}
"""Headers of every answer that depends on who asks: a shared cache must not give it to anyone else."""
BRIEFLY = "private, max-age=1"
"""For answers that their own reader may use again for a moment."""


def tenant_of(tenants: Tenants, headers: Mapping[str, str], cookies: Mapping[str, str]) -> Tenant:
    """Raises `Problem`: 401 for an unknown secret, 403 for one that is no read token.

    A Bearer decides alone: an unknown one is refused, whatever session comes with it. Other schemes are those of a
    proxy in front, which a browser sends along with its session.
    """
    scheme, _, secret = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return _bearer(tenants, token_of(headers))
    cookie = cookies.get(COOKIE, "")
    if cookie and (tenant := sessions.opened(tenants, cookie, time.time())) is not None:
        return tenant
    keys = (headers.get("x-write-key", ""), _basic_user(secret) if scheme.lower() == "basic" else "")
    if any(_is_write_key(tenants, key) for key in keys):
        raise _only_writes()
    if cookie:
        raise Problem("unauthorized", "This session has ended: open / to sign in again.")
    raise Problem("unauthorized", "expected a read token: Authorization: Bearer …")


def token_of(headers: Mapping[str, str]) -> str:
    """The read token that a request carries in itself; "" of one with a session."""
    scheme, _, secret = headers.get("authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


def reader(tenants: Tenants, token: str) -> Tenant:
    """The tenant whose read token this is. Raises `Problem`: 401, or 403 for a write key."""
    if 0 < len(token) <= LONGEST_SECRET and (tenant := tenants.by_read_token(token)) is not None:
        return tenant
    if _is_write_key(tenants, token):
        raise _only_writes()
    raise Problem("unauthorized", "no tenant has this read token")


def _bearer(tenants: Tenants, token: str) -> Tenant:
    if not token:
        raise Problem("unauthorized", "expected a read token: Authorization: Bearer …")
    return reader(tenants, token)


def _is_write_key(tenants: Tenants, key: str) -> bool:
    return 0 < len(key) <= LONGEST_SECRET and tenants.by_write_key(key) is not None


def _only_writes() -> Problem:
    return Problem("forbidden", "a write key cannot read; use a read token")


def _basic_user(secret: str) -> str:
    try:
        return b64decode(secret, validate=True).decode().partition(":")[0]
    except (binascii.Error, ValueError):
        return ""


class Headers(Protocol):
    """Headers of an answer that is being made."""

    def setdefault(self, key: str, value: str) -> str: ...

    def __setitem__(self, key: str, value: str) -> None: ...


def mark_private(headers: Headers, tenants: Tenants, tenant: Tenant | None, origin: str | None) -> None:
    """Add what every answer to a reader carries: who may keep it, and CORS, by which a page of an origin that the
    tenant allows may read it.

    A refusal before a tenant is known may be read from any origin that some tenant allows: it tells nothing of anyone.
    """
    headers.setdefault("cache-control", BY_READER["cache-control"])
    headers["vary"] = BY_READER["vary"] + (", Origin" if origin else "")
    if origin and any(each.allows(origin) for each in ((tenant,) if tenant else tenants.all)):
        headers["access-control-allow-origin"] = origin
        headers["access-control-expose-headers"] = "ETag, Retry-After, X-Request-Id"


PREFLIGHT: Mapping[str, str] = {
    "access-control-allow-methods": "GET",
    "access-control-allow-headers": "Authorization, If-None-Match, Last-Event-ID",
    "access-control-max-age": "600",
    "vary": "Origin",
}
"""A preflight carries no token: any origin may send its question, `origin_headers` decides who may read the answer."""
