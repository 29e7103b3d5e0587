"""Damages a table's largest part in a data folder whose process is stopped, in one of three ways."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

_UUID = re.compile(r"UUID '([0-9a-f-]{36})'")
_PART = re.compile(r"all_\d+_\d+_\d+(?:_\d+)?")


def _half(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.truncate(file.stat().st_size // 2)


def cut_a_column(part: Path) -> None:
    """Half of the largest file of values."""
    _half(_largest(part, "*.bin"))


def cut_the_checksums(part: Path) -> None:
    _half(part / "checksums.txt")


def remove_the_part(part: Path) -> None:
    shutil.rmtree(part)


def change_a_byte(part: Path) -> None:
    """One bit in the middle of the largest file of values, as a dying disk does it."""
    _change(part, lambda size: [size // 2])


def change_bytes(part: Path) -> None:
    """So many that every question comes upon one."""
    _change(part, lambda size: range(0, size, 64))


def _change(part: Path, places: Callable[[int], Iterable[int]]) -> None:
    file = _largest(part, "*.bin")
    content = bytearray(file.read_bytes())
    for place in places(len(content)):
        content[place] ^= 1
    file.write_bytes(content)


def remove_a_file(part: Path) -> None:
    _largest(part, "*.bin").unlink()


def remove_the_marks(part: Path) -> None:
    for file in part.glob("*mrk*"):
        file.unlink()


def _largest(part: Path, pattern: str) -> Path:
    return max(part.glob(pattern), key=lambda file: file.stat().st_size)


ALIVE: dict[str, Callable[[Path], None]] = {
    "changed bytes": change_bytes,
    "half of a column file": cut_a_column,
    "a removed column file": remove_a_file,
    "removed marks": remove_the_marks,
    "a removed folder": remove_the_part,
}
"""What can happen to a part that a running engine has open."""
KINDS: dict[str, Callable[[Path], None]] = {
    "half of a column file": cut_a_column,
    "half of the checksums": cut_the_checksums,
    "the part's folder removed": remove_the_part,
}


def parts(store: Path, table: str) -> list[Path]:
    """The folders of a table's parts, also of those that were merged and are removed soon."""
    (declared,) = store.rglob(f"{table}.sql")
    found = _UUID.search(declared.read_text())
    assert found, declared
    return [path for path in store.rglob(f"{found[1]}/*") if _PART.fullmatch(path.name)]


def largest_part(store: Path, table: str) -> Path:
    """The folder of it. Those that were merged into it go, as they do after some minutes: the engine would use them."""
    there = parts(store, table)
    largest = max(there, key=lambda part: (_blocks(part)[1] - _blocks(part)[0], _size(part), part.name))
    for part in there:
        if part != largest and _blocks(largest)[0] <= _blocks(part)[0] and _blocks(part)[1] <= _blocks(largest)[1]:
            shutil.rmtree(part)
    return largest


def _blocks(part: Path) -> tuple[int, int]:
    _, low, high, *_ = part.name.split("_")
    return int(low), int(high)


def _size(part: Path) -> int:
    return sum(file.stat().st_size for file in part.iterdir())
