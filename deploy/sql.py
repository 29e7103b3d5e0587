"""`sojourn sql`: the statement that counts a metric, with its bound values, for whoever wants to check or run it.

The store of the one process belongs to that process while it runs, so there an engine in memory lays the statement out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from deploy.clock import clock
from deploy.opening import is_embedded, open_tenants
from deploy.refusal import CannotStart
from deploy.store import ClickHouseStore
from query_api.compile import counting
from query_api.parameters import parse
from query_api.service import metric_named
from query_api.sql import formatted, written
from schemas.errors import Problem
from schemas.settings import Settings

IN_MEMORY = "chdb://:memory:"


def show(settings: Settings, metric: str, query: Sequence[str], tenant_id: str) -> str:
    """The text for the terminal; `query` has parameters as in a URL, `name=value` each. Raises `CannotStart`."""
    tenants = open_tenants(settings.tenants)
    tenant = tenants.by_id(tenant_id) if tenant_id else tenants.all[0]
    if tenant is None:
        raise CannotStart(f"there is no tenant {tenant_id!r} in {settings.tenants}")
    pairs = [(name, value) for name, _, value in (each.partition("=") for each in query)]
    try:
        question = parse(metric_named(metric), pairs, tenant, clock()).question
    except Problem as problem:
        raise CannotStart(f"{metric}: {problem.detail}") from problem
    statement, _ = counting(question)

    async def laid_out() -> str:
        store = ClickHouseStore(IN_MEMORY if is_embedded(settings) else settings.store_dsn, name="default")
        try:
            return await formatted(store, statement, tenant.id)
        finally:
            await store.close()

    return written(asyncio.run(laid_out()), statement.parameters, statement.identities)
