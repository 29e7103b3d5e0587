"""What an event is to everything else: one value a class, made from the class itself.

A family module declares an event as a class whose annotations are the fields that metrics read; every other field
passes untouched. Its name is the class name in snake_case. Fields are read by `fields.py` (so any spelling counts) and
then checked by pydantic, as a TypedDict because that is the fastest form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, get_args, get_type_hints

import msgspec
from pydantic import BeforeValidator, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from schemas.events.fields import pick, read_flag, read_instant, read_number, read_text, spellings
from schemas.events.naming import Names, snake_case
from schemas.limits import LONGEST_ID, NUMBER

ActorKind = Literal["person", "agent", "system"]
EntityKind = Literal["visit", "cart", "checkout", "order", "ticket"]
_REQUIRED = "required"
_typed_dict: Any = TypedDict  # as a function with a computed name and fields, which type checkers do not follow


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
Texts = list[Text]


_PLAIN: dict[Any, Any] = {
    Text: str,
    Id: Annotated[str, msgspec.Meta(max_length=LONGEST_ID)],
    RequiredId: Annotated[str, msgspec.Meta(max_length=LONGEST_ID)],
    Number: Annotated[float, msgspec.Meta(ge=NUMBER.low, le=NUMBER.high)],
    Flag: bool,
    Author: Literal["agent", "customer", "bot"],
    Items: list[dict[str, Any]],
    Texts: list[str],
}
"""What is certainly valid, as producers nearly always send it."""


def _plain_form(name: str, hints: Mapping[str, Any]) -> type[msgspec.Struct]:
    """The fields under all their spellings, of types that need no reading; what is in `_PLAIN` for none is in doubt."""
    spelt = [(spelling, hint) for key, hint in hints.items() for spelling in spellings(key)]
    fields = [(f"_{number}", _PLAIN.get(hint) and _PLAIN[hint] | None, None) for number, (_, hint) in enumerate(spelt)]
    return msgspec.defstruct(name, fields, rename={f"_{number}": key for number, (key, _) in enumerate(spelt)})


class BadField(Exception):
    """A field of an event that makes the event unusable; `code` is one of `schemas.errors.REJECTIONS`."""

    def __init__(self, code: str, field: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.field = field
        self.message = message


@dataclass(frozen=True, slots=True)
class Event:
    """One declared event. `entities` are those that it names; `actor` says who does it (docs/definitions.md#actors)."""

    name: str
    family: str
    actor: ActorKind
    aliases: tuple[str, ...] = ()
    entities: frozenset[EntityKind] = frozenset()
    fields: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    meaning: str = ""
    check: Callable[[dict[str, Any]], Any] | None = None
    plain: type[msgspec.Struct] = msgspec.Struct
    """What properties fit into that are valid beyond doubt. Only the others are shown to pydantic, which decides and
    words the refusal: it is several times slower."""

    def validate(self, properties: Mapping[str, Any]) -> None:
        """Raise `BadField` for the first field that metrics read and cannot."""
        if self.check is None:
            return
        for key in self.required:
            if pick(properties, key) is None:
                raise BadField("missing_property", f"properties.{key}", f"{self.name} needs {key}")
        try:
            msgspec.convert(properties, self.plain)
        except msgspec.ValidationError:
            self._validate_slowly(self.check, properties)

    def _validate_slowly(self, check: Callable[[dict[str, Any]], Any], properties: Mapping[str, Any]) -> None:
        given = {key: value for key in self.fields if (value := pick(properties, key)) is not None}
        try:
            check(given)
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
            plain=_plain_form(cls.__name__, hints),
        )
        if name in EVENTS:
            raise ValueError(f"{name} is declared twice")
        NAMES.declare(name, aliases)
        EVENTS[name] = cls.event
