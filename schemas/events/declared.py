"""What an event is to everything else: one value a class, made from the class itself.

A family module declares an event as a class whose annotations are the fields that metrics read; every other field
passes untouched. Its name is the class name in snake_case. Fields are read by `fields.py` (so any spelling counts) and
then checked by pydantic, as a TypedDict because that is the fastest form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, get_args, get_type_hints

from pydantic import BeforeValidator, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from schemas.events.fields import LARGEST, pick, read_flag, read_instant, read_number, read_text, spellings
from schemas.events.naming import Names, snake_case

ActorKind = Literal["person", "agent", "system"]
EntityKind = Literal["visit", "cart", "checkout", "order", "ticket"]
_REQUIRED = "required"
_typed_dict: Any = TypedDict  # as a function with a computed name and fields, which type checkers do not follow

LONGEST_ID = 512


def _identifier(value: Any) -> str:
    read = read_text(value)
    if len(read) > LONGEST_ID:
        raise ValueError(f"an id has at most {LONGEST_ID} characters")
    return read


def _lower(value: Any) -> str:
    return read_text(value).strip().lower()


Text = Annotated[str, BeforeValidator(read_text)]
Id = Annotated[str, BeforeValidator(_identifier)]
RequiredId = Annotated[str, BeforeValidator(_identifier), _REQUIRED]
Number = Annotated[Any, BeforeValidator(read_number)]
Instant = Annotated[int, BeforeValidator(read_instant)]
Flag = Annotated[bool, BeforeValidator(read_flag)]
Author = Annotated[Literal["agent", "customer", "bot"], BeforeValidator(_lower)]
Items = list[dict[str, Any]]


def _plain_text(value: Any) -> bool:
    return type(value) is str


def _plain_identifier(value: Any) -> bool:
    return type(value) is str and len(value) <= LONGEST_ID


def _plain_number(value: Any) -> bool:
    return type(value) in _NUMERIC and -_LARGEST <= value <= _LARGEST


def _plain_flag(value: Any) -> bool:
    return type(value) is bool


def _plain_author(value: Any) -> bool:
    return type(value) is str and value in _AUTHORS


def _plain_items(value: Any) -> bool:
    return type(value) is list and all(type(item) is dict for item in value)


def _in_doubt(_: Any) -> bool:
    return False


_NUMERIC = (float, int)
_LARGEST = int(LARGEST)
_AUTHORS = ("agent", "customer", "bot")
_PLAIN: dict[Any, Callable[[Any], bool]] = {
    Text: _plain_text,
    Id: _plain_identifier,
    RequiredId: _plain_identifier,
    Number: _plain_number,
    Flag: _plain_flag,
    Author: _plain_author,
    Items: _plain_items,
}
"""What is certainly valid as producers nearly always send it, so that pydantic is asked about the rest alone: that is a
third of what an event costs. False says nothing: pydantic decides, and words the refusal.
"""


class BadField(Exception):
    """A field of an event that makes the event unusable; `code` is one of `schemas.errors.REJECTIONS`."""

    def __init__(self, code: str, field: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.field = field
        self.message = message


@dataclass(frozen=True, slots=True)
class Event:
    """One declared event. `entities` are those that it names; `actor` says who does it (METRICS.md 2b.15)."""

    name: str
    family: str
    actor: ActorKind
    aliases: tuple[str, ...] = ()
    entities: frozenset[EntityKind] = frozenset()
    fields: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    meaning: str = ""
    check: Callable[[dict[str, Any]], Any] | None = None
    plain: tuple[Callable[[Any], bool], ...] = ()
    """For each of `fields`, whether a value is valid beyond doubt."""

    def validate(self, properties: Mapping[str, Any]) -> None:
        """Raise `BadField` for the first field that metrics read and cannot."""
        if self.check is None:
            return
        given: dict[str, Any] = {}
        doubt = False
        for key, plain in zip(self.fields, self.plain, strict=True):
            value = properties.get(key)
            if value is None or value == "":
                value = pick(properties, key)
            if value is not None:
                given[key] = value
                doubt = doubt or not plain(value)
        for key in self.required:
            if key not in given:
                raise BadField("missing_property", f"properties.{key}", f"{self.name} needs {key}")
        if not doubt:
            return
        try:
            self.check(given)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            key, *inner = (str(part) for part in first["loc"])
            spelt = next((name for name in spellings(key) if properties.get(name) not in (None, "")), key)
            message = first["msg"].removeprefix("Value error, ")
            raise BadField("invalid_property", ".".join(("properties", spelt, *inner)), message) from None


EVENTS: dict[str, Event] = {}
NAMES = Names()


class Declared:
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
        required = tuple(key for key, hint in hints.items() if _REQUIRED in get_args(hint))
        form = _typed_dict(cls.__name__, hints, total=False)
        cls.event = Event(
            name=name,
            family=family,
            actor=actor,
            aliases=aliases,
            entities=frozenset(entities),
            fields=tuple(hints),
            required=required,
            meaning=(cls.__doc__ or "").strip(),
            check=TypeAdapter(form).validate_python if hints else None,
            plain=tuple(_PLAIN.get(hint, _in_doubt) for hint in hints.values()),
        )
        if name in EVENTS:
            raise ValueError(f"{name} is declared twice")
        NAMES.declare(name, aliases)
        EVENTS[name] = cls.event
