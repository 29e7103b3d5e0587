"""Brings a store to the tables of this version: `schemas/migrations/NNNN_name.sql`, forward only.

DDL is not transactional, so the ledger has a row per statement and a run that died in the middle goes on where it
stopped. Every statement can be repeated (`IF NOT EXISTS`, or an insert of facts), so two runs at once do no harm. A
statement that was edited after it was applied is refused.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Protocol

LEDGER = (
    "CREATE TABLE IF NOT EXISTS {{db}}.schema_migrations {{on_cluster}} (id UInt32, step UInt16, name String, "
    "sha String, at DateTime64(3, 'UTC') DEFAULT now64(3)) ENGINE = {{Replacing:at}} ORDER BY (id, step)"
)
REPEATABLE = re.compile(r"\bIF\s+(NOT\s+)?EXISTS\b|^INSERT\s+INTO\b", re.IGNORECASE)


class MigrationRefused(Exception):
    """The migrations and the store's ledger contradict each other; a person has to decide."""


class Target(Protocol):
    """What a migration needs of a store."""

    database: str

    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]: ...

    async def command(self, sql: str, parameters: Mapping[str, Any] | None = None) -> None: ...


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a migration file, macros not yet rendered."""

    migration: int
    step: int
    name: str
    sql: str

    @property
    def sha(self) -> str:
        """Of the text as written, so that the same file has one sum on every engine."""
        return hashlib.sha256(self.sql.encode()).hexdigest()[:16]


def render(sql: str, database: str, cluster: str | None = None) -> str:
    """Fill the macros: the database, and table engines that replicate when there is a cluster."""
    prefix = "Replicated" if cluster else ""
    sql = re.sub(
        r"\{\{Replacing:(\w*)\}\}",
        lambda match: f"{prefix}ReplacingMergeTree" + (f"({match[1]})" if match[1] else ""),
        sql,
    )
    macros = {
        "db": database,
        "MergeTree": prefix + "MergeTree",
        "Aggregating": prefix + "AggregatingMergeTree",
        "on_cluster": f"ON CLUSTER '{cluster}'" if cluster else "",
    }
    for macro, text in macros.items():
        sql = sql.replace("{{" + macro + "}}", text)
    if "{{" in sql:
        raise MigrationRefused(f"unknown macro in: {sql[:80]}")
    return sql


def statements(folder: Traversable | None = None) -> list[Statement]:
    """Every statement of the migrations, in order. Comments stand on lines of their own."""
    folder = folder or files("schemas").joinpath("migrations")
    found: list[Statement] = []
    numbers: set[str] = set()
    for file in sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name):
        number = file.name.split("_")[0]
        if number in numbers:
            raise MigrationRefused(f"{file.name}: another migration has the number {number}; take the next free one")
        numbers.add(number)
        lines = [line for line in file.read_text("utf-8").splitlines() if not line.lstrip().startswith("--")]
        parts = [part.strip() for part in re.split(r";[ \t]*(?:\n|$)", "\n".join(lines))]
        for step, sql in enumerate(filter(None, parts)):
            if not REPEATABLE.search(sql):
                raise MigrationRefused(f"{file.name}, statement {step + 1}: cannot be repeated (IF NOT EXISTS)")
            found.append(Statement(int(number), step, file.name, sql))
    return found


async def restore(store: Target, cluster: str | None = None) -> None:
    """Make the tables and columns that are missing, empty, whatever the ledger says of them."""
    for statement in statements():
        if not statement.sql.upper().startswith("INSERT"):
            await store.command(render(statement.sql, store.database, cluster))


async def migrate(store: Target, cluster: str | None = None, folder: Traversable | None = None) -> int:
    """Apply what the ledger does not know yet; answers how many statements. Raises `MigrationRefused`."""
    wanted = statements(folder)
    await store.command(render(LEDGER, store.database, cluster))
    rows = await store.query(f"SELECT id, step, sha FROM {store.database}.schema_migrations FINAL")
    done = {(migration, step): sha for migration, step, sha in rows}
    unknown = max((migration for migration, _ in done), default=0)
    if wanted and unknown > wanted[-1].migration:
        raise MigrationRefused(f"the store is at migration {unknown:04}, newer than this version of Sojourn")
    applied = 0
    for statement in wanted:
        sha = done.get((statement.migration, statement.step))
        if sha == statement.sha:
            continue
        if sha is not None:
            raise MigrationRefused(f"{statement.name}, statement {statement.step + 1}: edited after it was applied")
        await store.command(render(statement.sql, store.database, cluster))
        await store.command(
            f"INSERT INTO {store.database}.schema_migrations (id, step, name, sha) "
            "SELECT {id:UInt32}, {step:UInt16}, {name:String}, {sha:String}",
            {
                "id": statement.migration,
                "step": statement.step,
                "name": statement.name,
                "sha": statement.sha,
            },
        )
        applied += 1
    return applied
