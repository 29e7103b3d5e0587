"""Migration files: rendering of macros, and what the repository's own files must keep to."""

from __future__ import annotations

from deploy.migrate import render, statements


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
