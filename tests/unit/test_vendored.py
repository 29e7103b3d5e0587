"""What others wrote and we ship is unchanged, complete, and named with its version and licence."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOTES = [
    note
    for part in ("query_api", "tests", "deploy", "ingest", "schemas")
    for note in (ROOT / part).rglob("vendored.json")
]


def test_the_chart_library_and_the_accessibility_rules_are_noted() -> None:
    assert {json.loads(note.read_text())["package"] for note in NOTES} >= {"uplot", "axe-core"}


@pytest.mark.parametrize("note", NOTES, ids=lambda note: note.parent.name)
def test_each_vendored_file_is_the_one_that_was_published(note: Path) -> None:
    told = json.loads(note.read_text())
    files = {each.name: each for each in note.parent.iterdir() if each != note}
    assert {name: hashlib.sha256(each.read_bytes()).hexdigest() for name, each in files.items()} == told[
        "unchanged_files_sha256"
    ]
    assert told["licence"] in ("MIT", "MPL-2.0")
    assert "LICENSE" in files
    assert told["version"] in "".join(each.read_text()[:300] for each in files.values() if each.suffix == ".js")
