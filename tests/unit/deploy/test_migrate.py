"""Migration files: rendering of macros, and what the repository's own files must keep to."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.migrate import MigrationRefused, render, statements


def test_engines_replicate_only_in_a_cluster() -> None:
    sql = "CREATE TABLE IF NOT EXISTS {{db}}.t {{on_cluster}} (x UInt8) ENGINE = {{Replacing:v}}"
    assert render(sql, "s") == "CREATE TABLE IF NOT EXISTS s.t  (x UInt8) ENGINE = ReplacingMergeTree(v)"
    assert render(sql, "s", "main").endswith("t ON CLUSTER 'main' (x UInt8) ENGINE = ReplicatedReplacingMergeTree(v)")
    assert render("{{MergeTree}} {{Aggregating}} {{Replacing:}}", "s", "main") == (
        "ReplicatedMergeTree ReplicatedAggregatingMergeTree ReplicatedReplacingMergeTree"
    )


def test_every_statement_can_be_repeated_and_rendered() -> None:
    found = statements()
    assert found
    assert all("{{" not in render(statement.sql, "s") for statement in found)
    assert len({(statement.migration, statement.step) for statement in found}) == len(found)


def test_migrations_are_numbered_without_gaps() -> None:
    numbers = sorted({statement.migration for statement in statements()})
    assert numbers == list(range(1, len(numbers) + 1))


def test_two_migrations_of_one_number_are_refused(tmp_path: Path) -> None:
    for name in ("0001_one.sql", "0001_two.sql"):
        (tmp_path / name).write_text("CREATE TABLE IF NOT EXISTS {{db}}.x (a UInt8) ENGINE = Null;\n")
    with pytest.raises(MigrationRefused, match="another migration has the number 0001"):
        statements(tmp_path)
