"""When Python searches for garbage in cycles: seldom, because what is handled here has none.

A process that holds a few dozen requests, or the rows of a few thousand events, has more new objects than the 700 after
which Python searches by default; it then searches among the same ones again and again and finds nothing. Measured: a
fifth of what ingest costs, more than half of what folding costs.
"""

from __future__ import annotations

import gc

NEW_OBJECTS = 20_000
"""How many new objects start a search."""


def seldom() -> None:
    """From now on; what is there already stays, and nobody looks at it again: searching it at the end of a start took a
    twentieth of a second and found nothing [measured].
    """
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS)
