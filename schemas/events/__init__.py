"""The language of events: their names in any spelling, the fields that metrics read, and who does them."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from schemas.events import accounts, commerce, contacts, support, surveys, visits
from schemas.events.declared import CUSTOM, EVENTS, NAMES, BadField, Doubt, Event
from schemas.events.typos import Neighbours

_NEIGHBOURS = Neighbours(NAMES.spellings)
FAMILIES = (visits, commerce, accounts, support, contacts, surveys)


def canonical(raw_name: str) -> str:
    """The stored name of any spelling; a name that nothing declares in snake_case."""
    return _canonical(raw_name)


@lru_cache(maxsize=8192)
def _canonical(raw_name: str) -> str:
    return NAMES.canonical(raw_name)


@lru_cache(maxsize=1024)
def _custom(name: str) -> Event:
    return replace(CUSTOM, name=name)


def lookup(name: str) -> Event:
    """The declaration behind a canonical name; an undeclared one is a custom event that a person did."""
    return EVENTS.get(name) or _custom(name)


@lru_cache(maxsize=8192)
def similar(name: str) -> str:
    """The declared name that the undeclared `name` comes close to, "" if none."""
    return _NEIGHBOURS.nearest(name)


def names_of_family(family: str) -> list[str]:
    """The canonical names of a family, sorted."""
    return sorted(event.name for event in EVENTS.values() if event.family == family)


__all__ = ["EVENTS", "FAMILIES", "BadField", "Doubt", "Event", "canonical", "lookup", "names_of_family", "similar"]
