"""The tenants file: who may write and read, where the tenant's days begin, which webhooks it has.

Ingest never asks the store, so a key is known from this file alone. It is read again when it changes; an edit that
cannot be read keeps what was there before. Secrets are compared by their SHA-256, in constant time, and may stand in
the file as `sha256:<hex>`, except those of webhook sources, with which signatures are computed. A write key (every
visitor of a web page can read one) is remembered once it was found.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
import secrets
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from schemas.quotas import Quotas

logger = logging.getLogger(__name__)

RECHECK_SECONDS = 2.0
LONGEST_SECRET = 1024
"""Bytes of what may be compared with a secret at all."""
_HASHED = "sha256:"
PROTOCOL_SOURCES = frozenset({"native", "segment"})
"""Names under which events of the client families are kept; a webhook source cannot be called the same."""


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"{name} is no IANA time zone")
    return name


def _secret(value: str) -> str:
    if value.startswith(_HASHED) and not _is_digest(value.removeprefix(_HASHED)):
        raise ValueError("after sha256: come 64 hexadecimal digits")
    return value


def _plain_secret(value: str) -> str:
    if value.startswith(_HASHED):
        raise ValueError("a webhook secret must stand as it is: signatures are computed with it")
    return value


def _is_digest(text: str) -> bool:
    try:
        return len(bytes.fromhex(text)) == hashlib.sha256().digest_size
    except ValueError:
        return False


Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
Secret = Annotated[str, Field(min_length=1), AfterValidator(_secret)]
PlainSecret = Annotated[str, Field(min_length=1), AfterValidator(_plain_secret)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_Part):
    """Where webhooks come from; several secrets while one is exchanged."""

    id: Identifier
    kind: Identifier
    secrets: tuple[PlainSecret, ...] = ()


USUAL_SCALES: Mapping[str, tuple[int, int]] = {"nps": (0, 10), "csat": (1, 5), "ces": (1, 7)}
"""The scale of a question of which only the metric is told."""


class SurveyQuestion(_Part):
    """What the answers of one survey question are answers to; `good` is the end of the scale that is good news."""

    survey: str
    question: str
    metric: Literal["nps", "csat", "ces"]
    min: int | None = None
    max: int | None = None
    good: Literal["high", "low"] | None = None
    satisfied_from: float | None = None

    @property
    def scale(self) -> tuple[int, int]:
        """The ends of the scale, both included."""
        low, high = USUAL_SCALES[self.metric]
        return low if self.min is None else self.min, high if self.max is None else self.max

    @model_validator(mode="after")
    def _is_a_scale(self) -> SurveyQuestion:
        if self.scale[0] >= self.scale[1]:
            raise ValueError("the scale of a question ends above where it begins")
        return self


class Target(_Part):
    """What a metric should be, as a whole or in one segment (null: where the dimension is not known).

    Of `definition`, and of `statistic` where the metric has several (unset, the one that it has by itself).
    """

    metric: str
    segment: dict[str, str | None] = {}
    value: Annotated[float, Field(allow_inf_nan=False)]
    definition: str = "default"
    statistic: str | None = None


class Tenant(_Part):
    """One customer of the service: nothing of it is ever seen by another."""

    id: Identifier
    timezone: Annotated[str, AfterValidator(_known_zone)] = "UTC"
    week_start: Literal["monday", "sunday", "saturday"] = "monday"
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = "EUR"
    write_keys: tuple[Secret, ...] = ()
    read_tokens: tuple[Secret, ...] = ()
    allowed_origins: tuple[str, ...] = ("*",)
    sources: tuple[Source, ...] = ()
    questions: tuple[SurveyQuestion, ...] = ()
    targets: tuple[Target, ...] = ()
    k_anon: Annotated[int, Field(ge=0)] = 0
    quotas: Quotas | None = None
    key_quotas: dict[Secret, Quotas] = {}

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def quotas_of_key(self, key: str) -> Quotas | None:
        """What this one key may do, written as itself or as its digest in the file."""
        wanted = digest(key)
        return next((quotas for listed, quotas in self.key_quotas.items() if digest(listed) == wanted), None)

    @model_validator(mode="after")
    def _quotas_are_of_its_keys(self) -> Tenant:
        own = {digest(key) for key in (*self.write_keys, *self.read_tokens)}
        if any(digest(key) not in own for key in self.key_quotas):
            raise ValueError("key_quotas names a key that is not among the tenant's write_keys and read_tokens")
        return self

    def allows(self, origin: str) -> bool:
        """Whether pages of `origin` may use the tenant's write keys: listed, `*`, or `https://*.shop.com`."""
        return any(_matches(origin.lower(), allowed.lower()) for allowed in self.allowed_origins)


def _matches(origin: str, allowed: str) -> bool:
    scheme, star, domain = allowed.partition("://*.")
    if star:
        return origin.startswith(scheme + "://") and origin.endswith("." + domain)
    return allowed in ("*", origin.rstrip("/")) or allowed.rstrip("/") == origin


class TenantsFile(_Part):
    """The whole file."""

    tenants: tuple[Tenant, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _nothing_twice(self) -> TenantsFile:
        every = self.tenants
        sources = [source.id for tenant in every for source in tenant.sources]
        _once("tenant id", (tenant.id for tenant in every))
        _once("key", (digest(key) for tenant in every for key in (*tenant.write_keys, *tenant.read_tokens)))
        _once("source id", sources)
        for tenant in every:
            _once("question", (f"{each.survey}/{each.question}" for each in tenant.questions))
        if PROTOCOL_SOURCES.intersection(sources):
            raise ValueError(f"a source cannot be called {' or '.join(sorted(PROTOCOL_SOURCES))}")
        return self


def _once(what: str, values: Iterable[str | bytes]) -> None:
    seen: set[str | bytes] = set()
    for value in values:
        if value in seen:
            raise ValueError(f"a {what} is used twice" + (f": {value}" if isinstance(value, str) else ""))
        seen.add(value)


def digest(secret: str) -> bytes:
    """The SHA-256 by which a secret is known, however it stands in the file."""
    if secret.startswith(_HASHED):
        return bytes.fromhex(secret.removeprefix(_HASHED))
    return hashlib.sha256(secret.encode()).digest()


@dataclass(frozen=True, slots=True)
class _Index:
    file: TenantsFile
    write: tuple[tuple[bytes, Tenant], ...]
    read: tuple[tuple[bytes, Tenant], ...]
    sources: dict[str, tuple[Tenant, Source]]
    seen: dict[str, Tenant] = field(default_factory=dict)
    """Write keys that were found before: only valid ones, so no stranger can make it grow."""

    @classmethod
    def of(cls, file: TenantsFile) -> _Index:
        return cls(
            file,
            tuple((digest(key), tenant) for tenant in file.tenants for key in tenant.write_keys),
            tuple((digest(key), tenant) for tenant in file.tenants for key in tenant.read_tokens),
            {source.id: (tenant, source) for tenant in file.tenants for source in tenant.sources},
        )


def _found(hashed: bytes, keys: tuple[tuple[bytes, Tenant], ...]) -> Tenant | None:
    found = None
    for known, tenant in keys:
        if hmac.compare_digest(known, hashed):
            found = tenant
    return found


class InvalidTenants(ValueError):
    """The tenants file cannot be used."""


class Tenants:
    """The tenants of a file, re-read when it changes (looked at every two seconds at most)."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """Read the file. Raises `InvalidTenants`."""
        self._path = path
        self._clock = clock
        self._checked_at = clock()
        self._stamp = _stamp(path)
        self._index = _Index.of(load(path))

    @property
    def all(self) -> tuple[Tenant, ...]:
        """Every tenant, in the order of the file."""
        return self._current().file.tenants

    def by_write_key(self, key: str) -> Tenant | None:
        index = self._current()
        tenant = index.seen.get(key)
        if tenant is None:
            tenant = _found(hashlib.sha256(key.encode(errors="replace")).digest(), index.write)
            if tenant is not None:
                index.seen[key] = tenant
        return tenant

    def by_read_token(self, token: str) -> Tenant | None:
        return _found(hashlib.sha256(token.encode(errors="replace")).digest(), self._current().read)

    def by_id(self, tenant_id: str) -> Tenant | None:
        return next((tenant for tenant in self.all if tenant.id == tenant_id), None)

    def source(self, kind: str, source_id: str) -> tuple[Tenant, Source] | None:
        """The webhook source with this id, if it is of this kind."""
        found = self._current().sources.get(source_id)
        return found if found and found[1].kind == kind else None

    def _current(self) -> _Index:
        now = self._clock()
        if now - self._checked_at >= RECHECK_SECONDS:
            self._checked_at = now
            self._reread()
        return self._index

    def _reread(self) -> None:
        try:
            stamp = _stamp(self._path)
            if stamp == self._stamp:
                return
            self._stamp = stamp
            self._index = _Index.of(load(self._path))
        except (OSError, InvalidTenants) as error:
            logger.error("the tenants file cannot be read, what was read before stays: %s", error)  # noqa: TRY400 -- a typing error in a file needs no stack
        else:
            logger.info("the tenants file was read again")


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        status = path.stat()
    except OSError as error:
        raise InvalidTenants(f"{path}: {error.strerror}") from None
    return status.st_mtime_ns, status.st_size, status.st_ino


def load(path: Path) -> TenantsFile:
    """Read a tenants file. Raises `InvalidTenants`, whose text says where, without any secret."""
    try:
        content, faults = _without_unsound_targets(path.read_bytes())
        file = TenantsFile.model_validate_json(content)
    except OSError as error:
        raise InvalidTenants(f"{path}: {error.strerror}") from None
    except ValidationError as error:
        told = "; ".join(
            f"{'.'.join(str(part) for part in each['loc']) or 'file'}: {each['msg']}"
            for each in error.errors(include_url=False, include_input=False, include_context=False)
        )
        raise InvalidTenants(f"{path}: {told}") from None
    for fault in faults:
        logger.error("%s: %s; this target is left out, everything else holds", path, fault)
    return file


def _without_unsound_targets(content: bytes) -> tuple[bytes, list[str]]:
    """The file without the targets that nothing can be measured by, and what is wrong with each: an aim that was
    mistyped must not take keys and webhooks with it.
    """
    from schemas.targets import sound_targets  # noqa: PLC0415 -- metrics know tenants, targets know metrics

    try:
        file = json.loads(content)
    except ValueError:
        return content, []  # whoever validates it says what is wrong
    faults: list[str] = []
    tenants = file.get("tenants") if isinstance(file, dict) else None
    for number, tenant in enumerate(tenants if isinstance(tenants, list) else []):
        if isinstance(tenant, dict) and isinstance(tenant.get("targets"), list):
            tenant["targets"], wrong = sound_targets(tenant["targets"])
            faults += [f"tenants.{number}.targets.{fault}" for fault in wrong]
    return (json.dumps(file).encode(), faults) if faults else (content, [])


def create_default(path: Path) -> None:
    """Write a tenants file with one tenant, `demo`, and random keys; readable by its owner only, whole or not at all.

    Raises `FileExistsError` if there is one already.
    """
    source = {"id": "zd1", "kind": "zendesk", "secrets": [secrets.token_urlsafe(24)]}
    content: dict[str, Any] = {
        "tenants": [
            {
                "id": "demo",
                "timezone": "Europe/Berlin",
                "week_start": "monday",
                "currency": "EUR",
                "write_keys": ["wk_" + secrets.token_urlsafe(18)],
                "read_tokens": ["rt_" + secrets.token_urlsafe(18)],
                "allowed_origins": ["*"],
                "sources": [source],
            }
        ]
    }
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".tenants-")  # created with mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(json.dumps(content, indent=1) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(name, path)  # unlike a rename, never replaces a file that somebody else has just created
    finally:
        Path(name).unlink()
