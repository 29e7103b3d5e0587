"""What an event is to everything else: one value a class, made from the class itself.

A family module declares an event as a class whose annotations are the fields that metrics read; every other field
passes untouched. Its name is the class name in snake_case. Fields are read by `fields.py` (so any spelling counts) and
then checked by pydantic, as a TypedDict because that is the fastest form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar, Literal, NamedTuple, get_type_hints
from zoneinfo import ZoneInfo

import msgspec
from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict

from schemas.events.fields import pick, read_text, spellings
from schemas.events.ids import OPENING, PLACEHOLDERS, is_placeholder
from schemas.events.naming import Names, snake_case
from schemas.events.times import is_date, local_midnight
from schemas.events.types import Channel, Id, Marks, plain

ActorKind = Literal["person", "agent", "system"]
EntityKind = Literal["visit", "cart", "checkout", "order", "ticket"]
_typed_dict: Any = TypedDict  # as a function with a computed name and fields, which type checkers do not follow


def _check(name: str, hints: Mapping[str, Any]) -> Callable[[dict[str, Any]], Any]:
    """Pydantic's check of the fields, made when properties are first shown to it: few processes are shown any of most
    events, and making all of them takes a tenth of a start.
    """

    @cache
    def made() -> Callable[[dict[str, Any]], Any]:
        return TypeAdapter(_typed_dict(name, hints, total=False)).validate_python

    def check(given: dict[str, Any]) -> Any:
        return made()(given)

    return check


def _plain_form(name: str, hints: Mapping[str, Any]) -> type[msgspec.Struct]:
    """The fields under all their spellings, of types that need no reading."""
    spelt = [(spelling, plain(hint)) for key, hint in hints.items() for spelling in spellings(key)]
    fields = [(f"_{number}", valid and valid | None, None) for number, (_, valid) in enumerate(spelt)]
    return msgspec.defstruct(name, fields, rename={f"_{number}": key for number, (key, _) in enumerate(spelt)})


class BadField(Exception):
    """A field of an event that makes the event unusable; `code` is one of `schemas.errors.REJECTIONS`."""

    def __init__(self, code: str, field: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.field = field
        self.message = message


class Doubt(NamedTuple):
    """What a producer should know of an event that is accepted; `code` is one of `schemas.errors.INGEST_WARNINGS`."""

    code: str
    field: str = ""
    message: str = ""


class Checked(NamedTuple):
    """What became of properties that were read slowly; `settled` are those that need no tenant any more, if any do."""

    settled: dict[str, Any] | None
    doubts: list[Doubt]


@dataclass(frozen=True, slots=True)
class Event:
    """One declared event. `entities` are those that it names; `actor` says who does it (docs/definitions.md#actors)."""

    name: str
    family: str
    actor: ActorKind
    aliases: tuple[str, ...] = ()
    entities: frozenset[EntityKind] = frozenset()
    types: Mapping[str, Any] = field(default_factory=dict)
    """The type of each field that metrics read."""
    marks: Mapping[str, Marks] = field(default_factory=dict)
    spelt: Mapping[str, str] = field(default_factory=dict)
    """The field that each spelling names."""
    required: tuple[str, ...] = ()
    meaning: str = ""
    check: Callable[[dict[str, Any]], Any] = dict
    plain: type[msgspec.Struct] = msgspec.Struct
    """What properties fit into that are valid beyond doubt. Only the others are shown to pydantic, which decides and
    words the refusal: it is several times slower."""

    def validate(self, properties: Mapping[str, Any], zone: str = "UTC") -> Checked | None:
        """Raise `BadField` for the first field that metrics read and cannot; None if nothing else is to be said.

        `zone` is the tenant's: in which dates begin.
        """
        for key in self.required:
            if pick(properties, key) is None:
                raise BadField("missing_property", f"properties.{key}", f"{self.name} needs {key}")
        try:
            msgspec.convert(properties, self.plain)
        except msgspec.ValidationError:
            return self._read(properties, zone)
        for value in properties.values():
            if type(value) is str and (value in PLACEHOLDERS or value[:1] in OPENING or "{" in value):
                return self._read(properties, zone)
        return None

    def _read(self, properties: Mapping[str, Any], zone: str) -> Checked:
        given, where = self._given(properties)
        doubts = self._unreadable(given, where)
        settled = {}
        for key, value in given.items():
            marks = self.marks[key]
            words = marks.vocabulary
            if marks.times and marks.times not in given:
                told = f"says how many of what: send {marks.times} too"
                raise BadField("invalid_property", f"properties.{where[key]}", told)
            if marks.is_instant and is_date(value):
                settled[where[key]] = local_midnight(value, ZoneInfo(zone))
            elif marks.is_id and is_placeholder(read_text(value)):
                if marks.is_required:
                    raise BadField("invalid_property", f"properties.{where[key]}", f"{read_text(value)[:40]} is no id")
                doubts.append(Doubt("placeholder_id", f"properties.{where[key]}"))
            elif words and not words.is_open and not words.known(read_text(value)):
                doubts.append(Doubt("unknown_word", f"properties.{where[key]}", words.hint))
        return Checked({**properties, **settled} if settled else None, doubts)

    def _given(self, properties: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
        """The fields that hold something, and under which spelling."""
        given: dict[str, Any] = {}
        where: dict[str, str] = {}
        for name, value in properties.items():
            key = self.spelt.get(name)
            if key is None or value is None or value == "":
                continue
            known = spellings(key)
            if key not in given or known.index(name) < known.index(where[key]):
                given[key], where[key] = value, name
        return given, where

    def _unreadable(self, given: dict[str, Any], where: Mapping[str, str]) -> list[Doubt]:
        """Raise `BadField` for the first unreadable field; one that any event may carry is left out of `given`."""
        doubts: list[Doubt] = []
        while True:
            try:
                self.check(given)
            except ValidationError as error:
                first = error.errors(include_url=False, include_context=False, include_input=False)[0]
                key, *inner = (str(part) for part in first["loc"])
                field = ".".join(("properties", where[key], *inner))
                message = first["msg"].removeprefix("Value error, ")
                if key not in EVERYWHERE:
                    raise BadField("invalid_property", field, message) from None
                doubts.append(Doubt("unreadable_property", field, message))
                del given[key]
            else:
                return doubts


EVENTS: dict[str, Event] = {}
NAMES = Names()


class AnyEvent:
    """The fields that every event may carry, also one that nothing declares."""

    channel: Channel
    referral_code: Id


EVERYWHERE: Mapping[str, Any] = get_type_hints(AnyEvent, include_extras=True)
"""What stands under these names may well be meant otherwise: it is no reason to refuse an event."""


def _event(name: str, family: str, actor: ActorKind, hints: Mapping[str, Any], **others: Any) -> Event:
    marks = {key: Marks.of(hint) for key, hint in hints.items()}
    return Event(
        name=name,
        family=family,
        actor=actor,
        types=hints,
        marks=marks,
        spelt={spelling: key for key in hints for spelling in spellings(key)},
        required=tuple(key for key, each in marks.items() if each.is_required),
        check=_check(name, hints),
        plain=_plain_form(name, hints),
        **others,
    )


CUSTOM = _event("custom", "custom", "person", EVERYWHERE)
"""An event that nothing declares: a person did it."""


class Declared(AnyEvent):
    """Base of every declared event: subclassing registers. A subclass is a declaration, never instantiated."""

    event: ClassVar[Event]

    def __init_subclass__(
        cls,
        *,
        family: str,
        actor: ActorKind = "person",
        aliases: tuple[str, ...] = (),
        entities: tuple[EntityKind, ...] = (),
    ) -> None:
        name = snake_case(cls.__name__)
        hints = {key: hint for key, hint in get_type_hints(cls, include_extras=True).items() if key != "event"}
        meaning = (cls.__doc__ or "").strip()
        named = frozenset(entities)
        cls.event = _event(name, family, actor, hints, aliases=aliases, entities=named, meaning=meaning)
        if name in EVENTS:
            raise ValueError(f"{name} is declared twice")
        NAMES.declare(name, aliases)
        EVENTS[name] = cls.event
