"""What the workers of a fault run have read and archived, from the files that tests/faults/worker.py leaves."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Journal:
    """Events that went more than once through a step: delivered again by the log, archived again by a worker."""

    redelivered: int
    reinserted: int
    frames: int


def journal(folder: Path) -> Journal:
    """Everything that is written in the folder so far."""
    times: dict[str, Counter[tuple[str, str]]] = {"read": Counter(), "archived": Counter()}
    events: dict[tuple[str, str], int] = {}
    for file in folder.iterdir():
        for line in file.read_text().splitlines():
            what, partition, offset, number = line.split()
            times[what][partition, offset] += 1
            events[partition, offset] = int(number)
    again = {
        what: sum((count - 1) * events[place] for place, count in counted.items()) for what, counted in times.items()
    }
    return Journal(again["read"], again["archived"], len(events))
