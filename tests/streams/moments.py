"""When the random streams are asked about: a moment and a window that cut them, and ones that hold them whole."""

from __future__ import annotations

# In the middle of the stream, so that much is open, late or yet to be undone; the last instant lies after its end.
MIDDLE, AFTER = {"at": "2026-10-26T12:00:00Z"}, {"at": "2026-12-20T00:00:00Z"}
AUTUMN = {"from": "2026-10-19", "to": "2026-10-27"}
WHOLE = {"from": "2026-09-01", "to": "2026-11-12"}
