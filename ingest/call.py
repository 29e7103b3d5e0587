"""One request under way: what its head decides is decided, and what comes of its body is held in a budget.

The bytes of tenants and those of strangers (no key in the head; a webhook before its signature) are in two budgets, so
that strangers can only ever hold up each other. In each, one account (a tenant; an address) gets no more than a fixed
multiple of what is still free, so that there is always something left for the next (the dynamic thresholds of shared
switch buffers).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from ingest.body import check_size
from ingest.http import Request
from ingest.protocols import Protocol, Route
from schemas.errors import Problem
from schemas.quotas import Meter
from schemas.tenants import Tenant


class Budget:
    """Bytes that requests hold in memory; an account that would take too many has to come back later."""

    def __init__(self, limit: int, per_free: float) -> None:
        self.limit = limit
        self.held = 0
        self._per_free = per_free
        self._accounts: Counter[str] = Counter()

    def take(self, account: str, size: int) -> None:
        """Hold `size` more bytes. Raises `Problem`."""
        free = self.limit - self.held
        if size > free or self._accounts[account] + size > self._per_free * free:
            raise Problem("overloaded", "Too many bytes wait for the log; try again.")
        self.held += size
        self._accounts[account] += size

    def release(self, account: str, size: int) -> None:
        self.held -= size
        self._accounts[account] -= size
        if not self._accounts[account]:
            del self._accounts[account]


@dataclass(slots=True)
class Call:
    """One request. `tenant` is unknown while its key may still stand in the body."""

    request: Request
    budget: Budget
    account: str
    post: tuple[Protocol, Route] | None = None
    tenant: Tenant | None = None
    meter: Meter | None = None
    held: int = 0

    def take(self, size: int) -> None:
        """Hold so much more of the body. Raises `Problem`."""
        self.budget.take(self.account, size)
        self.held += size
        check_size(self.held)

    def become(self, budget: Budget, tenant: Tenant) -> None:
        """Go on as a tenant's request, whose bytes are taken from `budget`. Raises `Problem`."""
        held = self.held
        self.release()
        self.budget, self.account, self.tenant = budget, tenant.id, tenant
        if held:
            self.take(held)

    def release(self) -> None:
        """Hold nothing any more."""
        self.budget.release(self.account, self.held)
        self.held = 0
