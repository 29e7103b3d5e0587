"""Sums of what a store holds once it has merged its rows: equal where two stores hold the same facts, bit by bit.

Elements of a set come in the order in which the engine met them, so they are sorted first; everything that reads a set
sorts it too.
"""

from __future__ import annotations

from collections.abc import Sequence

from deploy.store import ClickHouseStore
from schemas.tables import EVENTS, FACTS, Column, Table

OF_ARRIVAL = {"received_at", "sent_at", "request_id"}
"""Columns of the archive that say how a copy came; of one that came twice either may stay, and no answer reads them."""


def _bits(column: Column) -> str:
    return f"arraySort(`{column.name}`)" if column.merge == "groupUniqArrayArray" else f"`{column.name}`"


def _statement(table: Table, left_out: Sequence[str]) -> str:
    columns = ", ".join(_bits(column) for column in table.columns if column.name not in left_out)
    return f"SELECT count(), sum(cityHash64(toJSONString(tuple({columns})))) FROM {table.name} FINAL"


async def merged(store: ClickHouseStore) -> dict[str, tuple[int, int]]:
    """Of the archive and of each fact: how many rows, and the sum of their hashes."""
    found: dict[str, tuple[int, int]] = {}
    for table in (EVENTS, *FACTS):
        ((rows, total),) = await store.query(_statement(table, sorted(OF_ARRIVAL) if table is EVENTS else ()))
        found[table.name] = rows, total
    return found
