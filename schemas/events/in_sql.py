"""Properties of archived events as statements read them: as `fields.py` does, by the type that they are declared with.

A statement names the events whose property it reads. One that they do not declare is refused, so that ingest has read
whatever a statement reads, and has refused or warned of what cannot be read.
"""

from __future__ import annotations

from functools import reduce

from schemas.events import EVENTS
from schemas.events.fields import TRUE_WORDS, is_id, spellings
from schemas.events.ids import PLACEHOLDERS, UNRENDERED
from schemas.words import Vocabulary


def declared(key: str, *events: str) -> Vocabulary | None:
    """The words that the property can be, if it is one of words. Raises `LookupError` unless all `events` declare it.

    Without `events` it is read of all that declare it.
    """
    if undeclared := [name for name in events if key not in EVENTS[name].marks]:
        raise LookupError(f"{', '.join(undeclared)} does not declare {key}: declare it where the event is, with a type")
    found = {EVENTS[name].marks[key].vocabulary for name in events or EVENTS if key in EVENTS[name].marks}
    if len(found) != 1:
        raise LookupError(f"{key} is {'read in several ways: name its events' if found else 'declared by no event'}")
    return found.pop()


def told(key: str, *events: str, column: str = "properties") -> str:
    """What `events` tell under the field `key` in any spelling, "" if nothing: `fields.text`, or `fields.word`."""
    vocabulary = declared(key, *events)
    each = [
        f"""multiIf(JSONType({column}, '{name}') = 'String', JSONExtractString({column}, '{name}'),
          JSONType({column}, '{name}') IN ('Int64', 'UInt64'), JSONExtractRaw({column}, '{name}'),
          JSONType({column}, '{name}') = 'Double', toString(JSONExtractFloat({column}, '{name}')), '')"""
        for name in spellings(key)
    ]
    found = f"arrayFirst(x -> x != '', [{', '.join(each)}])"
    if is_id(key):
        return (
            f"arrayMap(x -> if(x IN {tuple(sorted(PLACEHOLDERS))!r} OR match(x, '{_UNFILLED}'), '', x), [{found}])[1]"
        )
    return vocabulary.in_sql(found) if vocabulary else found


_RE2 = {r"\Z": r"\z", "{": "x7B", "}": "x7D", "$": "x24", "\\": r"\\"}
"""What a statement writes otherwise than `re`: the end of a text, braces and dollars (its parameters), escapes."""
_UNFILLED = reduce(lambda pattern, sign: pattern.replace(sign, _RE2[sign]), _RE2, "|".join(UNRENDERED))


def told_true(key: str, *events: str, column: str = "properties") -> str:
    """Whether `events` say yes under the field `key`: `fields.flag`."""
    declared(key, *events)
    each = [f"replaceAll(JSONExtractRaw({column}, '{name}'), '\"', '')" for name in spellings(key)]
    found = f"arrayFirst(x -> x NOT IN ('', 'null'), [{', '.join(each)}])"
    return f"replaceRegexpAll(lower({found}), '^\\\\s+|\\\\s+\\\\z', '') IN {TRUE_WORDS!r}"
