"""The page at `/` as files: a shell that names whose numbers it shows, and the modules and styles that it loads.

Files stand under a path that holds the digest of all of them, so that a browser may keep them for ever: another version
has other paths. No inline script or style: the policy below forbids them.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path

from schemas.tenants import Tenant

HEADERS: Mapping[str, str] = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    # Not no-referrer, with which a browser would not name the origin of the page's own forms.
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
}
_HERE = Path(__file__).parent
_KINDS: Mapping[str, str] = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is sent: plain, and compressed for whoever takes that."""

    kind: str
    content: bytes
    compressed: bytes


def _read(folder: Path) -> Mapping[str, Asset]:
    found = {}
    for file in sorted(folder.rglob("*")):
        if kind := _KINDS.get(file.suffix):
            content = file.read_bytes()
            found[file.relative_to(folder).as_posix()] = Asset(kind, content, gzip.compress(content, mtime=0))
    return found


ASSETS: Mapping[str, Asset] = _read(_HERE / "assets")
"""By path below `/dashboard/<version>/`."""
VERSION = hashlib.sha256(b"".join(name.encode() + b"\0" + each.content for name, each in ASSETS.items())).hexdigest()[
    :16
]
_DOCUMENT, _SHELL, _SHELL_HEAD, _LOCKED, _CONFIRM = (
    (_HERE / f"{name}.html").read_text().rstrip() for name in ("document", "shell", "shell_head", "locked", "confirm")
)


def shell(tenant: Tenant, *, takes_events: bool) -> str:
    """The page of a tenant's reader. `takes_events`: producers send to this service too."""
    own = (name for name in ASSETS if name.endswith(".js") and not name.startswith("vendor/"))
    preloaded = "\n".join(f'<link rel="modulepreload" href="/dashboard/{VERSION}/{name}">' for name in own)
    named = escape(tenant.id)
    head = _filled(_SHELL_HEAD, tenant=named, takes_events=str(takes_events).lower(), modules=preloaded)
    return _document("Sojourn", _filled(_SHELL, tenant=named), head)


def locked(to: str, refused: str = "") -> str:
    """The form in which a visitor enters a read token, to go on at `to`; `refused` is why the last one did not do."""
    alert = f'<p class="notice" role="alert">{escape(refused)}</p>' if refused else ""
    return _document("Sign in · Sojourn", _filled(_LOCKED, to=escape(to), refused=alert))


def confirm(tenant: Tenant, present: Tenant | None, token: str, to: str) -> str:
    """The question whether a link may sign its visitor in to `tenant`; `present` is where the visitor is now."""
    now = f"You are signed in to {present.id}. " if present else ""
    body = _filled(_CONFIRM, now=escape(now), tenant=escape(tenant.id), token=escape(token), to=escape(to))
    return _document("Sign in? · Sojourn", body)


def _document(title: str, body: str, head: str = "") -> str:
    return _filled(_DOCUMENT, title=escape(title), head=head, body=body)


def _filled(template: str, **values: str) -> str:
    """The template with its fields in one pass: what stands in a value is no field."""
    known = {"version": VERSION, **values}
    return re.sub(r"{{(\w+)}}", lambda field: known[field[1]], template)
