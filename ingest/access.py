"""Who may write: where clients of all families put their key (docs/protocols.md#keys), and what browsers may do."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

from ingest.http import VARY, Request
from schemas.errors import Problem
from schemas.tenants import Tenant, Tenants

_QUERY_NAMES = ("write_key", "writeKey", "writekey", "api_key", "token")


def key_of(request: Request, in_body: str = "") -> str:
    """The first key that the request carries: Basic user, Bearer, X-Write-Key, query, body; "" if none."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    credentials = credentials.strip()
    if scheme.lower() == "basic" and (user := _basic_user(credentials)):
        return user
    if scheme.lower() == "bearer" and credentials:
        return credentials
    header = request.headers.get("x-write-key", "").strip()
    return header or next((request.query[name] for name in _QUERY_NAMES if request.query.get(name)), in_body)


def _basic_user(credentials: str) -> str:
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def writer(tenants: Tenants, key: str) -> Tenant:
    """The tenant whose write key this is. Raises `Problem`: 401, or 403 for a read token."""
    if not key:
        raise Problem("unauthorized", "Send a write key: Authorization, X-Write-Key or ?write_key=.")
    tenant = tenants.by_write_key(key)
    if tenant is not None:
        return tenant
    if tenants.by_read_token(key) is not None:
        raise Problem("forbidden", "This is a read token; events need a write key.")
    raise Problem("unauthorized", "The write key is unknown.")


def check_origin(request: Request, tenant: Tenant) -> None:
    """Raise `Problem` if a browser sends this for a page from which the tenant takes no events."""
    origin = request.headers.get("origin", "")
    if origin and not tenant.allows(origin) and origin.partition("://")[2] != request.headers.get("host"):
        raise Problem("forbidden", "This origin is not in the tenant's allowed_origins.")


def allowed_anywhere(tenants: Tenants, request: Request) -> bool:
    """Whether a page of this origin may ask at all: a preflight shows no key, so any tenant that allows it counts."""
    origin = request.headers.get("origin", "")
    tenant = tenants.by_write_key(key_of(request))
    return any(each.allows(origin) for each in ([tenant] if tenant else tenants.all))


def cors(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers that let the page of the request's origin, which it names, read the answer and when to try again."""
    return {
        **VARY,
        "access-control-allow-origin": headers["origin"],
        "access-control-allow-credentials": "true",
        "access-control-expose-headers": "retry-after, x-request-id",
    }


def preflight(headers: Mapping[str, str], methods: str) -> dict[str, str]:
    """Headers of the answer to OPTIONS: what was asked for is allowed, for two hours (the longest Chrome keeps)."""
    asked = headers.get("access-control-request-headers", "")
    return {
        **cors(headers),
        "vary": "Origin, Access-Control-Request-Headers",
        "access-control-allow-methods": methods,
        "access-control-allow-headers": asked or "authorization, content-type, x-write-key",
        "access-control-max-age": "7200",
    }
