"""The tables as declared and the tables as migrated are the same, and their merges are those that may be."""

from __future__ import annotations

import pytest

from deploy.store import ClickHouseStore
from schemas.tables import EVENTS, FACTS, TABLES, Table

SAFE_MERGES = {"min", "max", "groupBitOr", "groupUniqArrayArray", "minMap", "maxMap"}


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_columns_merge_only_by_functions_that_commute_and_are_idempotent(table: Table) -> None:
    assert {column.merge for column in table.columns if column.merge} <= SAFE_MERGES
    assert set(table.key) <= {column.name for column in table.columns if column.merge is None}


@pytest.mark.parametrize("table", FACTS, ids=lambda table: table.name)
def test_a_fact_is_its_key_and_columns_that_merge(table: Table) -> None:
    assert set(table.key) == {column.name for column in table.columns if column.merge is None}


def test_every_table_can_tell_whose_rows_it_holds() -> None:
    for table in (EVENTS, *FACTS):
        assert {"actor", "origin"} & set(table.types), table.name


@pytest.mark.engine
async def test_the_migrated_tables_are_the_declared_ones(store: ClickHouseStore) -> None:
    for table in TABLES.values():
        rows = await store.query(
            "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {table:String} "
            "ORDER BY position",
            {"table": table.name},
        )
        declared = [(column.name, column.ddl_type) for column in table.columns]
        assert [(name, kind) for name, kind in rows] == declared
        (key,) = (
            await store.query(
                "SELECT sorting_key FROM system.tables WHERE database = currentDatabase() AND name = {table:String}",
                {"table": table.name},
            )
        )[0]
        assert tuple(part.strip().strip("`") for part in key.split(",")) == table.key
