"""What was sent, read again without any of the product's code: one `Copy` a delivered event, with corrected time.

Written from the specification alone and for clarity, so that it can judge the product. `Copies` holds every copy of
every event; `Copies.before(at)` gives what an answer as of `at` may know. Content of all copies of one event is taken
to be equal, so that the canonical copy is the earliest one.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo

SKEW = 5 * 60_000
ZONE = ZoneInfo("Europe/Berlin")
"""Of every tenant here: a date without a time is the midnight in it at which the day begins."""
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
BOT = re.compile(r"bot\b|bot/|crawler|spider", re.IGNORECASE)
SPELLINGS = {
    "page": "page_viewed", "page_view": "page_viewed", "screen": "screen_viewed", "screen_view": "screen_viewed",
    "add_to_cart": "product_added", "added_product": "product_added", "remove_from_cart": "product_removed",
    "view_cart": "cart_viewed", "begin_checkout": "checkout_started", "purchase": "order_completed",
    "completed_order": "order_completed", "add_payment_info": "payment_info_entered", "refund": "order_refunded",
    "login": "signed_in", "sign_up": "signed_up", "view_item": "product_viewed",
    "merge_cart": "cart_merged", "ticket_soft_deleted": "ticket_deleted", "ticket_restored": "ticket_undeleted",
}  # fmt: skip
VISITS = frozenset(
    [
        "page_viewed",
        "screen_viewed",
        "application_installed",
        "application_opened",
        "application_backgrounded",
        "application_crashed",
        "visit_purpose_answered",
    ]
)
# Nobody's own doing: what an agent, a shop or a mailer did to the person, and what only says who somebody is.
NOT_A_PERSONS = frozenset(
    [
        "identify",
        "alias",
        "unalias",
        "group",
        "cart_merged",
        "order_updated",
        "order_refunded",
        "order_cancelled",
        "subscription_renewed",
        "subscription_updated",
        "subscription_cancelled",
        "payment_failed",
        "payment_refunded",
        "ticket_assigned",
        "ticket_transferred",
        "ticket_status_changed",
        "ticket_solved",
        "ticket_reopened",
        "ticket_closed",
        "ticket_merged",
        "ticket_deleted",
        "ticket_marked_as_spam",
        "ticket_undeleted",
        "email_delivered",
        "email_opened",
        "email_link_clicked",
        "email_bounced",
        "email_marked_as_spam",
        "survey_invited",
        "survey_delivered",
        "survey_bounced",
        "survey_shown",
        "ivr_menu_entered",
        "ivr_goal_reached",
        "call_queued",
        "call_answered",
        "call_transferred",
        "call_ended",
        "call_wrap_up_ended",
        "live_chat_message_received",
        "live_chat_conversation_ended",
        "review_deleted",
    ]
)


def canonical_name(raw: str) -> str:
    snake = re.sub(r"[^0-9a-zA-Z]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", raw)).strip("_").lower()
    return SPELLINGS.get(snake, snake)


def instant(value: Any) -> int | None:
    """Milliseconds UTC of an ISO instant or of a number that already is."""
    if value is None or value == "":
        return None
    if isinstance(value, int | float):
        return int(value)
    parsed = datetime.fromisoformat(str(value))
    if DATE.fullmatch(str(value)):
        parsed = parsed.replace(tzinfo=ZONE)
    return round(parsed.timestamp() * 1000)


def iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def amount(properties: Mapping[str, Any], *keys: str) -> Decimal | None:
    """The first of the keys that holds a number."""
    for key in keys:
        value = properties.get(key)
        if value is not None and not isinstance(value, bool):
            return Decimal(str(value))
    return None


@dataclass(slots=True)
class Copy:
    event_id: str
    message_id: str
    name: str
    time: int
    sequence: int
    user: str
    anonymous: str
    session: str
    previous: str
    country: str
    channel: str
    device: str
    bot: bool
    traits: Mapping[str, str | None]
    properties: Mapping[str, Any]
    canonical: bool = False
    account: str = ""

    @property
    def actor(self) -> str:
        return f"u:{self.user}" if self.user else f"a:{self.anonymous}" if self.anonymous else ""

    @property
    def order(self) -> tuple[int, str]:
        return self.time, self.event_id

    @property
    def persons(self) -> bool:
        """Whether the person who is the actor did it."""
        if self.name == "ticket_replied":
            return self.author in {"customer", ""}
        if self.name == "ticket_created":
            return text(self.properties.get("author_type")).lower() in {"customer", ""}
        return self.name not in NOT_A_PERSONS

    @property
    def author(self) -> str:
        """Of a ticket's event: agent, customer or bot; an agent where only an agent_id says so."""
        return text(self.properties.get("author_type")) or ("agent" if self.text("agent_id") else "")

    def text(self, key: str) -> str:
        return text(self.properties.get(key))

    def dimension(self, name: str) -> str:
        if name == "event":
            return self.name
        if name in ("country", "channel", "device"):
            return str(getattr(self, name))
        if name == "survey":
            return self.text("survey_id")
        return self.text("agent_id" if name == "agent" else name)


def read(event: Mapping[str, Any], tenant: str, source: str, received: int, sent: int | None) -> Copy:
    """One event as sent. Within five minutes of agreement the client's clock is believed, beyond it is corrected."""
    properties = event.get("properties") or {}
    context = event.get("context") or {}
    sent = instant(event.get("sentAt", event.get("sent_at"))) or sent
    time = instant(event.get("timestamp"))
    time = received if time is None else time
    if sent is not None and abs(received - sent) > SKEW:
        time = received - (sent - time)
    message = text(event.get("messageId", event.get("message_id")))
    assert message, "the reference knows an event by its messageId"
    name = canonical_name(str(event["event"]))
    own = event.get("traits") if name == "identify" else None
    traits = {**(context.get("traits") or {}), **(own or {})}
    return Copy(
        event_id=str(uuid5(NAMESPACE_URL, f"sojourn:{tenant}/{source}/{message}")),
        message_id=message,
        name=name,
        time=time,
        sequence=int(event.get("sequence") or 0),
        user=text(event.get("userId", event.get("user_id"))),
        anonymous=text(event.get("anonymousId", event.get("anonymous_id"))),
        session=text(event.get("sessionId", event.get("session_id"))),
        previous=text(event.get("previousId", event.get("previous_id"))),
        country=text(context.get("country") or (context.get("location") or {}).get("country")),
        channel=text(properties.get("channel")) or text(context.get("channel")),
        device=text((context.get("device") or {}).get("type")),
        bot=context.get("bot") is True or bool(BOT.search(text(context.get("userAgent")))),
        traits={key: None if value is None else text(value) for key, value in traits.items()},
        properties=properties,
        account=text(properties.get("account_id") or context.get("groupId") or event.get("groupId")),
    )


@dataclass(slots=True)
class Copies:
    """Every copy, by time."""

    all: list[Copy]
    times: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, deliveries: Iterable[Mapping[str, Any]], tenant: str) -> Copies:
        found: list[Copy] = []
        for delivery in deliveries:
            received = instant(delivery["received_at"])
            assert received is not None
            sent = instant(delivery.get("sent_at"))
            source = str(delivery.get("source", "native"))
            found += [read(event, tenant, source, received, sent) for event in delivery["events"]]
        found.sort(key=lambda copy: copy.order)
        seen: set[str] = set()
        for copy in found:
            copy.canonical = copy.event_id not in seen
            seen.add(copy.event_id)
        return cls(found, [copy.time for copy in found])

    def before(self, at: int) -> list[Copy]:
        return self.all[: bisect_left(self.times, at)]
