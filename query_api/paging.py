"""Lists that are read a page at a time: a cursor fixes `at` for all pages and belongs to one question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from query_api import cursor
from query_api.parameters import MOST_SHOWN, Query, invalid, number
from query_api.question import Question
from schemas.periods import format_instant

ROWS_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Page:
    """What is asked for: the query as of the cursor's `at`, its place (None: the first page), how many rows."""

    query: Sequence[tuple[str, str]]
    place: cursor.Place | None
    limit: int

    def after(self, question: Question) -> tuple[int, str] | None:
        """The place after which this page begins. Raises `Problem` if it is that of another question."""
        if self.place is None:
            return None
        try:
            cursor.verify(question, self.place)
        except cursor.BadCursor:
            raise invalid("cursor", "belongs to another question") from None
        return self.place.entered, self.place.id


def page(query: Query) -> Page:
    """Raises `Problem` invalid_parameter."""
    pairs = list(query)
    given = dict(pairs)
    limit = number("limit", given.get("limit"), ROWS_SHOWN, MOST_SHOWN)
    if "cursor" not in given:
        return Page(pairs, None, limit)
    try:
        place = cursor.read(given["cursor"])
        at = format_instant(place.at)
    except (cursor.BadCursor, OverflowError):
        raise invalid("cursor", "is not one of ours") from None
    return Page([("at", at), *(pair for pair in pairs if pair[0] not in ("at", "cursor"))], place, limit)
