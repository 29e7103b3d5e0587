"""Ids that are none: what broken templates and absent values become where an id belongs (docs/definitions.md#people).

Every stranger whose id is the text `undefined` would be one person, and every such order one order. So a placeholder
is absent, and the producer is warned; where the id names what the event is about, or joins people, it is refused.
"""

from __future__ import annotations

import re

_WORDS = (
    "undefined",
    "null",
    "none",
    "nil",
    "nan",
    "NaN",
    "[object Object]",
    "[object Undefined]",
    "[object Null]",
    "(null)",
    "<null>",
    "(none)",
    "(not set)",
    "(undefined)",
    "not set",
    "n/a",
    "-",
    "--",
    "00000000-0000-0000-0000-000000000000",
    "{}",
    "[]",
)
_NOBODY = ("0", "-1", "test", "unknown", "anonymous", "guest")
"""What stands for nobody in particular, but may well be the id of a menu or of a survey."""
UNRENDERED = (r"\{\{.*\}\}", r"\$\{.*\}")
"""Templates that were not filled in, as patterns."""
_UNRENDERED = re.compile("|".join(UNRENDERED), re.DOTALL)


def _cased(words: tuple[str, ...]) -> frozenset[str]:
    return frozenset(cased for word in words for cased in (word, word.lower(), word.upper(), word.title()))


PLACEHOLDERS = _cased(_WORDS) | {" " * length for length in range(1, 17)}
"""No id of anything, as written."""
NOBODY = PLACEHOLDERS | _cased(_NOBODY)
"""No id of a person, as written."""


def is_placeholder(value: str, placeholders: frozenset[str] = PLACEHOLDERS) -> bool:
    """Whether an id is none: a word for nothing, blanks, or holds a template that was not filled in."""
    return value in placeholders or ("{" in value and _UNRENDERED.search(value) is not None) or value.isspace()
