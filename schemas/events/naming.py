"""From any spelling of an event's name to the one that is stored: `Product Added`, `addToCart` and `Added Product` are
all `product_added`. A name that nothing declares stays what it is, in snake_case.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_WORD_STARTS = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SEPARATORS = re.compile(r"[\W_]+")
_BASE_FORMS = {
    "added": "add",
    "removed": "remove",
    "viewed": "view",
    "clicked": "click",
    "shared": "share",
    "searched": "search",
    "filtered": "filter",
    "started": "start",
    "completed": "complete",
    "entered": "enter",
    "applied": "apply",
    "denied": "deny",
    "updated": "update",
    "refunded": "refund",
    "cancelled": "cancel",
    "created": "create",
    "deleted": "delete",
    "reviewed": "review",
    "replied": "reply",
    "assigned": "assign",
    "transferred": "transfer",
    "solved": "solve",
    "reopened": "reopen",
    "closed": "close",
    "rated": "rate",
    "sent": "send",
    "opened": "open",
    "renewed": "renew",
    "answered": "answer",
    "ended": "end",
    "queued": "queue",
    "selected": "select",
    "reached": "reach",
    "received": "receive",
}
_SPELLINGS = {"canceled": "cancelled", "purchased": "completed"}


def snake_case(name: str) -> str:
    """Words in lower case joined by one underscore; a name without any letter or digit only loses its outer blanks."""
    parted = _SEPARATORS.sub("_", _WORD_STARTS.sub("_", name)).strip("_").lower()
    return parted or name.strip()


def _one_spelling(name: str) -> str:
    return "_".join(_SPELLINGS.get(word, word) for word in name.split("_"))


def turned_round(name: str) -> Iterable[str]:
    """What else people call `noun_verbed` or `noun_verbed_rest`: verbed_noun, verb_noun, noun_verb."""
    words = name.split("_")
    for place, word in enumerate(words):
        if place and word in _BASE_FORMS:
            noun, rest = words[:place], words[place + 1 :]
            for verb in (word, _BASE_FORMS[word]):
                yield "_".join([verb, *noun, *rest])
                yield "_".join([*noun, verb, *rest])


class Names:
    """The declared names and everything that leads to them."""

    def __init__(self) -> None:
        self._canonical: dict[str, str] = {}

    @property
    def spellings(self) -> Mapping[str, str]:
        """Everything that leads to a declared name, and that name."""
        return self._canonical

    def declare(self, name: str, aliases: Iterable[str]) -> None:
        """Make `name` known under its own spellings and `aliases`. Raises `ValueError` if one is taken."""
        for alias in (name, *turned_round(name), *aliases):
            taken = self._canonical.setdefault(alias, name)
            if taken != name:
                raise ValueError(f"{alias} would mean both {taken} and {name}")

    def canonical(self, raw_name: str) -> str:
        """The stored name of `raw_name`."""
        name = snake_case(raw_name)
        found = self._canonical.get(name)
        return found or self._canonical.get(_one_spelling(name), name)
