"""An outage of a part that others ask: since when it lasts, for those who are refused; why is for the log alone."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.periods import format_instant


@dataclass(slots=True)
class Outage:
    """One part's present outage, if there is one. Times are ms."""

    began: int | None = None

    def seen(self, now: int) -> str:
        """When the present outage was first seen, which is now if there was none."""
        if self.began is None:
            self.began = now
        return format_instant(self.began)

    def over(self) -> None:
        """The part does its work."""
        self.began = None
