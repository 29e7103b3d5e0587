"""Quotas of tenants and of single keys: how they stand in the tenants file, and the token buckets that enforce them.

In the file, beside a tenant's keys:

    "quotas": {"events": {"per_second": 500, "burst": 20000, "per_day": 5000000}, "bytes": {"per_second": 1000000}},
    "key_quotas": {"wk_browser": {"events": {"per_second": 50}}}

What is named under `quotas` holds for the tenant, under `key_quotas` for one of its keys (as it stands in the file);
where both are, both hold. `events` and `bytes` (on the wire) are for producers, `questions` for readers. `per_second`
refills a bucket of `burst` (ten seconds' worth if unset); `per_day` is a bucket of a day's worth, refilled all day.

A request is admitted while no bucket is in debt, and pays afterwards: how many events a body holds is known only once
it has been read, and no batch is taken in half. Each process counts for itself, from full buckets.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.errors import Problem
from schemas.signals import OVER_QUOTA, Reading, Signal

if TYPE_CHECKING:
    from schemas.tenants import Tenant

Resource = Literal["events", "bytes", "questions"]
DAY_SECONDS = 86_400
_BURST_SECONDS = 10


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Rate(_Part):
    """How much of one resource."""

    per_second: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    burst: Annotated[int, Field(ge=1)] | None = None
    per_day: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _limits_something(self) -> Rate:
        if self.per_second is None and self.per_day is None:
            raise ValueError("a quota has per_second, per_day or both")
        if self.burst is not None and self.per_second is None:
            raise ValueError("burst belongs to per_second")
        return self

    def buckets(self) -> Iterator[tuple[float, float]]:
        """Refill a second and size of each bucket."""
        if self.per_second is not None:
            yield self.per_second, self.burst or max(1.0, self.per_second * _BURST_SECONDS)
        if self.per_day is not None:
            yield self.per_day / DAY_SECONDS, self.per_day


class Quotas(_Part):
    """All quotas of a tenant or of a key."""

    events: Rate | None = None
    bytes: Rate | None = None
    questions: Rate | None = None


class TokenBucket:
    """A bucket that fills by itself up to its size; it may be taken below zero, and then has to fill first."""

    __slots__ = ("_at", "_level", "_per_second", "_size")

    def __init__(self, per_second: float, size: float, now: float) -> None:
        self._per_second = per_second
        self._size = self._level = size
        self._at = now

    def wait(self, now: float) -> float:
        """Seconds until something may be taken; 0 if now."""
        self._level = min(self._size, self._level + (now - self._at) * self._per_second)
        self._at = now
        return 0.0 if self._level > 0 else max(-self._level / self._per_second, 1e-3)

    def take(self, amount: float) -> None:
        """Take so much, whether or not it is there; less than nothing gives it back."""
        self._level -= amount


@dataclass(frozen=True, slots=True)
class Meter:
    """The buckets that one key of one tenant draws on."""

    tenant: str
    buckets: tuple[tuple[Resource, str, TokenBucket], ...]
    refused: Counter[tuple[str, ...]]
    clock: Callable[[], float]

    def check(self, *resources: Resource) -> None:
        """Admit a request that will take some of these. Raises `Problem` quota_exceeded, with the time to wait."""
        now = self.clock()
        for resource, owner, bucket in self.buckets:
            if resource in resources and (wait := bucket.wait(now)):
                self.refused[self.tenant, resource] += 1
                raise Problem(
                    "quota_exceeded",
                    f"The quota of {resource} of this {owner} is used up.",
                    retry_after=math.ceil(wait),
                )

    def take(self, resource: Resource, amount: float) -> None:
        """Pay for what was admitted; a negative amount gives it back."""
        for name, _, bucket in self.buckets:
            if name == resource:
                bucket.take(amount)


class Meters:
    """The meters of a process. Buckets outlive a re-read of the tenants file unless their rate has changed."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.refused: Counter[tuple[str, ...]] = Counter()
        """Requests that were refused, by tenant and resource."""
        self._clock = clock
        self._meters: dict[tuple[str, str], tuple[Tenant, Meter]] = {}
        self._buckets: dict[tuple[object, ...], TokenBucket] = {}

    def readings(self) -> dict[Signal, Reading]:
        """For `/metrics`."""
        return {OVER_QUOTA: dict(self.refused)}

    def of(self, tenant: Tenant, key: str = "") -> Meter | None:
        """The meter of a valid key, or of the tenant alone; None if it has no quota."""
        if tenant.quotas is None and not tenant.key_quotas:
            return None
        known = self._meters.get((tenant.id, key))
        if known is None or known[0] is not tenant:
            buckets = (*self._of(tenant.id, "tenant", tenant.quotas), *self._of(key, "key", tenant.quotas_of_key(key)))
            known = tenant, Meter(tenant.id, buckets, self.refused, self._clock)
            self._meters[tenant.id, key] = known
        return known[1]

    def _of(self, name: str, owner: str, quotas: Quotas | None) -> Iterator[tuple[Resource, str, TokenBucket]]:
        for resource in get_args(Resource) if quotas is not None else ():
            rate: Rate | None = getattr(quotas, resource)
            for per_second, size in rate.buckets() if rate is not None else ():
                stands_for = (owner, name, resource, per_second, size)
                bucket = self._buckets.get(stands_for)
                if bucket is None:
                    bucket = self._buckets[stands_for] = TokenBucket(per_second, size, self._clock())
                yield resource, owner, bucket
