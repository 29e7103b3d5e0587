"""What one unit of a funnel reached."""

from __future__ import annotations

from dataclasses import dataclass

from tests.reference.copies import Copy


@dataclass(slots=True)
class Chain:
    """The events of its steps, and since when it began."""

    events: list[Copy]
    entry: int

    @property
    def level(self) -> int:
        return len(self.events)
