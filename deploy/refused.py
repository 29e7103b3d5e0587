"""Log lines for requests that were refused: without them, an SDK with a mistyped key is silent on both sides.

Anyone can make a service refuse, so a line is written once a minute for the same reason, key, origin and path, and no
more than a few dozen in all; how many were left out is said when the minute is over. Of a key only its start is shown.
"""

from __future__ import annotations

from collections.abc import Iterator

from ingest.access import key_of
from ingest.http import Request

STATUSES = frozenset({401, 403, 404})
_MOST_LINES = 40


class Refused:
    """What has been logged in the current minute."""

    def __init__(self) -> None:
        self._minute = -1
        self._lines: set[str] = set()
        self._left_out = 0

    def lines(self, status: int, request: Request, now: float) -> Iterator[str]:
        """The lines to write for one more refusal."""
        minute = int(now // 60)
        if minute != self._minute:
            if self._left_out:
                yield f"{self._left_out} more requests were refused in the last minute that this was logged in"
            self._minute, self._left_out = minute, 0
            self._lines.clear()
        key, origin = _shown(key_of(request)), request.headers.get("origin", "")
        line = f"{request.method[:10]} {request.path[:200]!r} was answered {status}: {key}"
        if origin:
            line += f", origin {origin[:100]!r}"
        if line in self._lines:
            return
        if len(self._lines) >= _MOST_LINES:
            self._left_out += 1
            return
        self._lines.add(line)
        yield line


def _shown(key: str) -> str:
    """Enough of a key to find out whose it is, and far too little to use it."""
    return f"key {key[: min(6, len(key) // 3)]!r}…" if key else "no key in its headers or address"
