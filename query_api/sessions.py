"""Sign-in sessions of the page, sealed in their cookie: nothing is stored, so that any query process takes them, also
after a restart.

A session holds the read token that opened it, encrypted and signed with keys that are derived from the token's SHA-256.
The tenants file may hold just that digest, and whoever reads it there can still not make a session: what comes out of
the seal has to be the token itself. Nobody who steals a cookie can read the token in it without the file; they can only
test guesses against it, so that a token has to be as long and random as those that `sojourn setup` makes. A token that
is taken out of the file takes the keys of its sessions with it.

The cipher is HMAC-SHA256 in counter mode, signed after encryption with a key of its own: the standard library has no
other, and one dependency for one cookie is too many. All that is ever encrypted with a key is the one token that it is
derived from, so that even a nonce that came twice would give nothing away.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode

from schemas.tenants import LONGEST_SECRET, Tenant, Tenants, digest

SECONDS = 7 * 86_400
"""How long a session lasts from its beginning, whether or not it is used."""
LONGEST = 4096
NONCE_BYTES = 16
_TIME_BYTES = 6
_HEAD_BYTES = _TIME_BYTES + NONCE_BYTES
_TAG_BYTES = hashlib.sha256().digest_size


def seal(tenant: Tenant, token: str, ends: float, nonce: bytes) -> str:
    """The cookie of a session that `token`, a read token of the tenant, opens until `ends` (s since 1970)."""
    plain = token.encode()
    key = hashlib.sha256(plain).digest()
    head = int(ends).to_bytes(_TIME_BYTES) + nonce
    sealed = head + _masked(plain, key, head)
    return f"{tenant.id}.{urlsafe_b64encode(sealed + _tag(tenant, key, sealed)).decode().rstrip('=')}"


def opened(tenants: Tenants, cookie: str, now: float) -> Tenant | None:
    """Whose session this is, if it is one and has not ended."""
    if len(cookie) > LONGEST:
        return None
    tenant_id, _, text = cookie.rpartition(".")
    tenant = tenants.by_id(tenant_id)
    raw = _decoded(text)
    if tenant is None or not _HEAD_BYTES + _TAG_BYTES < len(raw) <= _HEAD_BYTES + _TAG_BYTES + LONGEST_SECRET:
        return None
    sealed, tag = raw[:-_TAG_BYTES], raw[-_TAG_BYTES:]
    head, body = sealed[:_HEAD_BYTES], sealed[_HEAD_BYTES:]
    for key in map(digest, tenant.read_tokens):
        if hmac.compare_digest(tag, _tag(tenant, key, sealed)):
            is_token = hmac.compare_digest(hashlib.sha256(_masked(body, key, head)).digest(), key)
            return tenant if is_token and now < int.from_bytes(head[:_TIME_BYTES]) else None
    return None


def _decoded(text: str) -> bytes:
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""


def _derived(key: bytes, purpose: str) -> bytes:
    return hmac.digest(key, f"sojourn session, {purpose}".encode(), "sha256")


def _tag(tenant: Tenant, key: bytes, sealed: bytes) -> bytes:
    return hmac.digest(_derived(key, "signature"), tenant.id.encode() + b"\0" + sealed, "sha256")


def _masked(text: bytes, key: bytes, head: bytes) -> bytes:
    """The text encrypted, or what was encrypted made plain again."""
    derived = _derived(key, "encryption")
    blocks = (hmac.digest(derived, head + block.to_bytes(4), "sha256") for block in range(-(-len(text) // _TAG_BYTES)))
    return bytes(one ^ other for one, other in zip(text, b"".join(blocks), strict=False))
