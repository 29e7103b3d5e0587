"""The declared name that an undeclared one comes close to: one letter more, fewer, other, or two in the wrong order.

Names that lack the same single letter are neighbours; that finds them in as many look-ups as a name has letters, so
that a stranger's thousand names cost no more than reading them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

_SHORTEST = 5
"""A shorter name is close to too many."""
_LONGEST = 60


class Neighbours:
    """An index of names by what is left of them without one letter."""

    def __init__(self, names: Mapping[str, str]) -> None:
        """Index the spellings `names`, each with the name that it stands for."""
        self._lacking: dict[str, str] = {}
        for spelling, name in names.items():
            if len(spelling) >= _SHORTEST:
                for left in (spelling, *_lacking_one(spelling)):
                    self._lacking.setdefault(left, name)

    def nearest(self, name: str) -> str:
        """The name that the close spelling stands for, "" if none is close."""
        if not _SHORTEST <= len(name) <= _LONGEST:
            return ""
        return next((found for left in (name, *_lacking_one(name)) if (found := self._lacking.get(left))), "")


def _lacking_one(name: str) -> Iterator[str]:
    return (name[:place] + name[place + 1 :] for place in range(len(name)))
