"""Ranges of every value that an event can carry, declared once: what ingest lets in, every table can hold.

A contract test stores both ends of each into the real engine and reads the same back; so widen one here only together
with the columns that hold it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Range:
    """Whole numbers from `low` to `high`, both included."""

    low: int
    high: int

    def __contains__(self, value: int) -> bool:
        return self.low <= value <= self.high


def _ms(year: int) -> int:
    return int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) * 1000


FIRST_YEAR, LAST_YEAR, LAST_YEAR_ASKED = 1970, 2148, 2199
TIME = Range(_ms(FIRST_YEAR), _ms(LAST_YEAR + 1) - 1)
"""Instants that an event can tell, ms since the epoch: days are stored in 16 bits, which last until June 2149."""
YEARS = f"{FIRST_YEAR} to {LAST_YEAR}"
NEVER_MS = _ms(LAST_YEAR_ASKED + 1)
"""What a `min` over no event holds, and a time that no event told: none can have this one."""
_DAY_MS = 86_400_000
ASKED = Range(TIME.low - _DAY_MS, NEVER_MS + _DAY_MS)
"""Instants that a question can name (a day more on both sides: local midnight in any zone). The statements compute with
64-bit times and 32-bit days, so that ten years before or after these are still exact."""
NUMBER = Range(-(10**12), 10**12)
"""Amounts, quantities, scores and durations: in millionths they still fit 64 bits."""
SEQUENCE = Range(0, 2**32 - 1)

LONGEST_ID = 512
LONGEST_MESSAGE_ID = 200
LONGEST_NAME = 200
"""Characters of an event's name."""
MAX_EVENT_BYTES = 64 << 10
"""Size of an event as it was sent; of what was refused a dead letter carries as much. No text in it is longer."""
MAX_DEPTH = 16
