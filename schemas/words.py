"""Enumerated words in any spelling: one reading of every property whose value is one of a few words.

A word is found whatever its case, with blanks around it, and with blanks, hyphens or underscores inside. Where a word
decides a number, its vocabulary is closed: what it does not list decides nothing, and the producer is warned. An open
vocabulary only makes spellings one (`Web ` is `web`). Ingest, folds and SQL all read words here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

_LONGEST_REMEMBERED = 64
_MOST_HINTED = 12
_NUMBER = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?\s*", re.IGNORECASE)
_INSIDE = re.compile(r"[\s_-]+")


class Vocabulary:
    """The words of one property, each with everything else that producers write for it."""

    def __init__(
        self,
        name: str,
        words: Mapping[str, Iterable[str]],
        *,
        is_open: bool = False,
        upper: bool = False,
        numbers: bool = False,
    ) -> None:
        """Index all spellings; with `numbers`, those are words too. Raises `ValueError` if one would mean two words."""
        self.name = name
        self.words = tuple(words)
        self.is_open = is_open
        self.numbers = numbers
        self._upper = upper
        self._known: dict[str, str] = {}
        self._remembered = lru_cache(maxsize=2048)(self._read)
        for word, synonyms in words.items():
            for spelling in (word, *synonyms):
                if self._known.setdefault(folded(spelling), word) != word:
                    raise ValueError(f"{name}: {spelling} would mean both {self._known[folded(spelling)]} and {word}")

    def known(self, text: str) -> str:
        """The word that `text` means, "" if none."""
        found = self._known.get(text) or self._known.get(folded(text), "")
        return found or (text.strip() if self.numbers and _NUMBER.fullmatch(text) else "")

    def read(self, text: str) -> str:
        """The word that `text` means, else `text` itself in one case, without blanks around it."""
        found = self._known.get(text)
        if found:
            return found
        return self._remembered(text) if len(text) <= _LONGEST_REMEMBERED else self._read(text)

    def _read(self, text: str) -> str:
        return self.known(text) or (text.strip().upper() if self._upper else text.strip().lower())

    @property
    def hint(self) -> str:
        """What a producer can write instead of an unknown word."""
        listed = ", ".join(self.words[:_MOST_HINTED]) + (", …" if len(self.words) > _MOST_HINTED else "")
        return f"a number, or one of {listed}" if self.numbers else f"known: {listed}"

    @property
    def plain(self) -> tuple[str, ...]:
        """Listed spellings as most producers write them."""
        listed = {*self.words, *self._known}
        return tuple(sorted(listed | {each.upper() for each in listed}))

    @property
    def spellings(self) -> Mapping[str, str]:
        """Every listed spelling in its folded form, and the word that it means."""
        return self._known

    def in_sql(self, expression: str) -> str:
        """`read` as an expression of the store, of text that `expression` yields."""
        bare = f"replaceRegexpAll({expression}, '^\\\\s+|\\\\s+\\\\z', '')"
        key = f"replaceRegexpAll(lowerUTF8({bare}), '[\\\\s_-]+', '_')"
        shown = f"{'upper' if self._upper else 'lower'}UTF8({bare})"
        if not self._known:
            return shown
        return f"transform({key}, {list(self._known)!r}, {list(self._known.values())!r}, {shown})"


def folded(text: str) -> str:
    """`text` in the form by which words are compared."""
    return _INSIDE.sub("_", text.strip().lower())
