"""Folds links between ids (docs/definitions.md#people): a link is its earliest event, an unlink is stored whole.

What happened after an unlink is read from the archive, for the few pairs that have one: keeping every linking event of
every pair here would copy the archive.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schemas.limits import NEVER_MS
from schemas.tables import IDENTITY_LINKS
from stream_processors.incoming import Incoming

TABLE = IDENTITY_LINKS
NAMES = None


def pairs(name: str, person_class: bool, user_id: str, anonymous_id: str, previous_id: str) -> list[tuple[str, str]]:
    """(origin, target) actors that an event of this name links, or unlinks if it is `unalias`."""
    if not user_id:
        return []
    target = "u:" + user_id
    if name in ("alias", "unalias"):
        if previous_id:
            return [(kind + previous_id, target) for kind in ("u:", "a:") if kind + previous_id != target]
        return [("a:" + anonymous_id, target)] if name == "unalias" and anonymous_id else []
    if anonymous_id and (person_class or name == "identify"):
        return [("a:" + anonymous_id, target)]
    return []


def fold(event: Incoming) -> Iterator[tuple[Any, ...]]:
    """One row per pair that the event links or unlinks."""
    record = event.record
    undoes = record.name == "unalias"
    first = NEVER_MS if undoes else record.time
    unlinks = [(record.time, event.event_id)] if undoes else []
    for origin, target in pairs(
        record.name, event.person_class, record.user_id, record.anonymous_id, record.previous_id
    ):
        yield record.tenant, origin, target, first, unlinks
