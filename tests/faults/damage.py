"""Damages a table's largest part in a data folder whose process is stopped, in one of three ways."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

_UUID = re.compile(r"UUID '([0-9a-f-]{36})'")
_PART = re.compile(r"all_\d+_\d+_\d+(?:_\d+)?")


def _half(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.truncate(file.stat().st_size // 2)


def cut_a_column(part: Path) -> None:
    """Half of the largest file of values."""
    _half(max(part.glob("*.bin"), key=lambda file: file.stat().st_size))


def cut_the_checksums(part: Path) -> None:
    _half(part / "checksums.txt")


def remove_the_part(part: Path) -> None:
    shutil.rmtree(part)


KINDS: dict[str, Callable[[Path], None]] = {
    "half of a column file": cut_a_column,
    "half of the checksums": cut_the_checksums,
    "the part's folder removed": remove_the_part,
}


def largest_part(store: Path, table: str) -> Path:
    """The folder of it. Those that were merged into it go, as they do after some minutes: the engine would use them."""
    (declared,) = store.rglob(f"{table}.sql")
    found = _UUID.search(declared.read_text())
    assert found, declared
    parts = [path for path in store.rglob(f"{found[1]}/*") if _PART.fullmatch(path.name)]
    largest = max(parts, key=lambda part: (_blocks(part)[1] - _blocks(part)[0], _size(part), part.name))
    for part in parts:
        if part != largest and _blocks(largest)[0] <= _blocks(part)[0] and _blocks(part)[1] <= _blocks(largest)[1]:
            shutil.rmtree(part)
    return largest


def _blocks(part: Path) -> tuple[int, int]:
    _, low, high, *_ = part.name.split("_")
    return int(low), int(high)


def _size(part: Path) -> int:
    return sum(file.stat().st_size for file in part.iterdir())
