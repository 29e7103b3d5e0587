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
_NAME = r"[A-Za-z_]+[0-9]?(?:(?:->|[ .:?!|/-]+)[A-Za-z_]+[0-9]?|\[[^\]]*\]|\([^)]*\))*"
"""What a template asks for: `user_id`, `user.id`, `order->id`, `user['id']`. Hardly a digit, which real ids have."""
_WHOLE = (
    r"<%.*%>|<\?.*\?>|\*\|.*\|\*|%%.*%%",  # ERB, EJS, JSP, ASP; PHP; Mailchimp; Salesforce, advertisements
    rf"\{{[!\$:=@%~&*/?-]?\s*(?:{_NAME}|[0-9]?[0-9])\s*[%*]?\}}",  # Python, Jinja, Smarty, routes; .NET `{{0}}`
    rf"\[+[%@\$]?\s*{_NAME}\s*%?\]+|<{_NAME}>",  # placeholders of forms and of documentation
    rf"%{_NAME}%|%(?:[0-9]\$|\({_NAME}\))?[sdiu@]",  # advertisements, Windows; printf, Python
    rf"\$+\(?{_NAME}\)?\$*|\\\({_NAME}\)",  # PHP, Perl, shells, StringTemplate; Swift
    r":[A-Za-z_]+|__[A-Z][A-Z_]*__",  # routes, SQL; advertisements
    rf"(?:%2[34])?(?:%7[Bb])+(?:%20)*{_NAME}(?:%20)*(?:%7[Dd])+",  # braces in a URL
)
"""Templates that were not filled in, if nothing is around them; real ids may hold such signs."""
UNRENDERED = (r"\{\{[^{}]*\}\}", r"[\$#@%]\{[^{}]*\}", r"\{%[^{}]*%\}", rf"\A\s*(?:{'|'.join(_WHOLE)})\s*\Z")
"""Templates that were not filled in, as patterns of `re`; RE2 reads all but `\\Z` alike."""
_UNRENDERED = re.compile("|".join(UNRENDERED), re.DOTALL)
OPENING = frozenset("<*%[$:_\\ \t\r\n")
"""Signs that a placeholder of none of the words may begin with, unless it holds a brace."""


def _cased(words: tuple[str, ...]) -> frozenset[str]:
    return frozenset(cased for word in words for cased in (word, word.lower(), word.upper(), word.title()))


PLACEHOLDERS = _cased(_WORDS) | {" " * length for length in range(1, 17)}
"""No id of anything, as written."""
NOBODY = PLACEHOLDERS | _cased(_NOBODY)
"""No id of a person, as written."""


def is_placeholder(value: str, placeholders: frozenset[str] = PLACEHOLDERS) -> bool:
    """Whether an id is none: a word for nothing, blanks, or a template that was not filled in."""
    return (
        value in placeholders
        or (("{" in value or value[:1] in OPENING) and _UNRENDERED.search(value) is not None)
        or value.isspace()
    )
