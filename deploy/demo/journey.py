"""One journey: who it is about, where and when, and the events said of it so far, in the shape of the native route."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple


class Event(NamedTuple):
    """An event as it is sent, and its time in milliseconds."""

    time: int
    message_id: str
    item: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Person:
    """A visitor: `user` is empty for one who has no account."""

    user: str
    anonymous: str
    country: str
    device: str
    channel: str
    traits: Mapping[str, str] = field(default_factory=dict)
    activity: float = 0.0
    """The chance of coming on a day of middling traffic."""


@dataclass(slots=True)
class Journey:
    """Collects events while its clock `at` (seconds since 1970) goes on; ids come from the name of the journey."""

    name: str
    person: Person
    at: float
    logged_in: bool = False
    session: bool = False
    bot: bool = False
    events: list[Event] = field(default_factory=list)
    _context: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        person = self.person
        self._context = {
            "country": person.country,
            "channel": person.channel,
            "device": {"type": person.device},
        }
        if person.user:
            self._context["traits"] = dict(person.traits)
        if self.bot:
            self._context["userAgent"] = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"

    def say(self, event: str, after: float = 0.0, **properties: Any) -> None:
        """What the person does, so many seconds after the last thing."""
        self.at += after
        item: dict[str, Any] = {"event": event, "anonymousId": self.person.anonymous}
        if self.logged_in:
            item["userId"] = self.person.user
        if self.session:
            item["sessionId"] = self.name
        self._add(item | {"context": self._context}, properties)

    def told(self, event: str, after: float = 0.0, **properties: Any) -> None:
        """What a system or an agent does: nobody's activity."""
        self.at += after
        self._add({"event": event}, properties)

    def answer(self, event: str, after: float = 0.0, **properties: Any) -> None:
        """What a customer does away from the shop, known by the account, else by the device."""
        self.at += after
        person = self.person
        who = {"userId": person.user} if person.user else {"anonymousId": person.anonymous}
        self._add({"event": event, **who, "context": self._context}, properties)

    def log_in(self, after: float = 2.0) -> None:
        """From here on the account is known, and with it whose the anonymous visits before were."""
        if self.person.user and not self.logged_in:
            self.logged_in = True
            self.say("signed_in", after)
            item = {"event": "identify", "userId": self.person.user, "anonymousId": self.person.anonymous}
            self._add(item | {"traits": dict(self.person.traits), "context": self._context}, {})

    def alias(self) -> None:
        """The account that was just made is the visitor of before."""
        self._add({"event": "alias", "userId": self.person.user, "previousId": self.person.anonymous}, {})

    def _add(self, item: dict[str, Any], properties: Mapping[str, Any]) -> None:
        time = int(self.at * 1000)
        message_id = f"demo-{self.name}-{len(self.events)}"
        item["messageId"] = message_id
        item["timestamp"] = instant(time)
        item["sequence"] = len(self.events)
        if properties:
            item["properties"] = properties
        self.events.append(Event(time, message_id, item))


def instant(time: int) -> str:
    """Milliseconds since 1970 as ISO 8601 in UTC."""
    return datetime.fromtimestamp(time / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{time % 1000:03d}Z"
