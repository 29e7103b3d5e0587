"""A store in memory that takes rows, and can be away or refuse them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from schemas.ports import StoreRejected, StoreUnavailable


@dataclass
class Memory:
    """A store that keeps rows by table, is away for a while, or refuses rows in which `poison` stands."""

    rows: defaultdict[str, list[tuple[Any, ...]]] = field(default_factory=lambda: defaultdict(list))
    outages: int = 0
    poison: str = ""
    refuses: bool = False

    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        raise AssertionError("a delivery only writes")

    async def insert(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        if self.outages:
            self.outages -= 1
            raise StoreUnavailable("away")
        rows = list(zip(*columns.values(), strict=True))
        if self.refuses or (self.poison and table == "events" and any(self.poison in row for row in rows)):
            raise StoreRejected("a row that no store takes")
        self.rows[table] += rows
