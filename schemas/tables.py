"""Every table as a value: its columns in insert order, and how the rows of one key merge.

A fact's columns merge by functions that commute, associate and are idempotent, so that replays, duplicates and any
order of arrival end in the same state. The DDL itself lives in `migrations/`, append-only; a test holds the two
together.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

QUANTITY_SCALE = 1000
"""Quantities of carts are kept in thousandths."""
TIME = "DateTime64(3, 'UTC')"
WORD = "LowCardinality(String)"
EARLIEST = "Tuple(Int64, UInt128, String)"
"""(time ms, event id, value): the value on the smallest (time, event id) that has one.

The id is a number here because the engine does not order UUIDs as their text does."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `type` as inserted, `merge` the function that joins two values of one key (None: part of the key)."""

    name: str
    type: str
    merge: str | None = None

    @property
    def ddl_type(self) -> str:
        """The type as the table declares it."""
        return f"SimpleAggregateFunction({self.merge}, {self.type})" if self.merge else self.type


class Source(Enum):
    """What a table can be made of again when rows of it are lost."""

    NOTHING = "nothing: what is lost is lost"
    ARCHIVE = "the archive: it is a fact"
    FACTS = "the facts: it is counted again"
    ITSELF = "nothing has to be made again: its writer goes on without"


@dataclass(frozen=True, slots=True)
class Table:
    """A table and what one row of it is."""

    name: str
    meaning: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    source: Source = Source.ARCHIVE

    @property
    def types(self) -> dict[str, str]:
        """Column name to inserted type."""
        return {column.name: column.type for column in self.columns}


def _dimensions(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, EARLIEST, "min") for name in names)


_STAMP = "time Int64, sequence UInt32, event_id UUID, hash UInt64"
"""Which copy of which event said something: what stands first in an element of a set."""
_SEEN = "Map(String, Int64)"
"""Value to the earliest time (ms) at which it was seen."""

EVENTS = Table(
    "events",
    "The archive: one row per copy of an event, raw, with its place in the log.",
    (
        Column("tenant", WORD),
        Column("name", WORD),
        Column("time", TIME),
        Column("event_id", "UUID"),
        Column("hash", "UInt64"),
        Column("source", WORD),
        Column("message_id", "String"),
        Column("raw_name", WORD),
        Column("original_time", "Nullable(Int64)"),
        Column("sent_at", "Nullable(Int64)"),
        Column("received_at", TIME),
        Column("sequence", "UInt32"),
        Column("actor", "String"),
        Column("person_class", "UInt8"),
        Column("user_id", "String"),
        Column("anonymous_id", "String"),
        Column("previous_id", "String"),
        Column("session_id", "String"),
        Column("country", WORD),
        Column("channel", WORD),
        Column("device", WORD),
        Column("bot", "UInt8"),
        Column("traits", "Map(String, String)"),
        Column("properties", "String"),
        Column("context", "String"),
        Column("request_id", "String"),
    ),
    ("tenant", "name", "time", "event_id", "hash"),
    Source.NOTHING,
)
ACTIVITY = Table(
    "activity",
    "The quarter-hours of a UTC day in which an actor (no bot) did something, as 96 bits.",
    (
        Column("tenant", WORD),
        Column("day", "Date"),
        Column("actor", "String"),
        Column("quarters", "UInt128", "groupBitOr"),
    ),
    ("tenant", "day", "actor"),
)
IDENTITY_LINKS = Table(
    "identity_links",
    "That one actor is another: the first event that said so, and every event that undid it (time, event id).",
    (
        Column("tenant", WORD),
        Column("origin", "String"),
        Column("target", "String"),
        Column("first", TIME, "min"),
        Column("unlinks", "Array(Tuple(Int64, UUID))", "groupUniqArrayArray"),
    ),
    ("tenant", "origin", "target"),
)
TRAITS = Table(
    "traits",
    "What an event said of its actor: a set of (time, sequence, event id, hash, value), kept as rows. An empty value "
    "takes the trait away.",
    (
        Column("tenant", WORD),
        Column("trait", WORD),
        Column("actor", "String"),
        Column("time", TIME),
        Column("sequence", "UInt32"),
        Column("event_id", "UUID"),
        Column("hash", "UInt64"),
        Column("value", "String"),
    ),
    ("tenant", "trait", "actor", "time", "sequence", "event_id", "hash", "value"),
)
CARTS = Table(
    "carts",
    "A cart (or a session with cart adds) on one UTC day of its events.",
    (
        Column("tenant", WORD),
        Column("entity", WORD),
        Column("day", "Date"),
        Column("id", "String"),
        Column("created", TIME, "min"),
        Column("first", EARLIEST, "min"),
        *_dimensions("actor", "country", "channel", "device"),
        Column("changes", "Array(Tuple(Int64, UInt32, UUID, UInt64, Int64))", "groupUniqArrayArray"),
        Column("actors", _SEEN, "minMap"),
        Column("sessions", _SEEN, "minMap"),
        Column("checkouts", _SEEN, "minMap"),
        Column("merges", f"Array(Tuple({_STAMP}, into String))", "groupUniqArrayArray"),
    ),
    ("tenant", "entity", "day", "id"),
)
CHECKOUTS = Table(
    "checkouts",
    "A checkout on one UTC day of its events.",
    (
        Column("tenant", WORD),
        Column("day", "Date"),
        Column("id", "String"),
        Column("created", TIME, "min"),
        Column("first", EARLIEST, "min"),
        *_dimensions("actor", "country", "channel", "device", "payment_method"),
        Column("events", "Array(Tuple(Int64, UUID))", "groupUniqArrayArray"),
        Column("checkouts", _SEEN, "minMap"),
        Column("orders", _SEEN, "minMap"),
        Column("carts", _SEEN, "minMap"),
        Column("sessions", _SEEN, "minMap"),
    ),
    ("tenant", "day", "id"),
)
ORDERS = Table(
    "orders",
    "An order on one UTC day of its events; money in millionths, cut (not rounded) so that half-up stays exact. "
    "Whatever can change is a set of what each event said of that field, so that an update leaves what it lacks.",
    (
        Column("tenant", WORD),
        Column("day", "Date"),
        Column("id", "String"),
        Column("completed", TIME, "min"),
        Column("cancelled", TIME, "min"),
        Column("voided", TIME, "min"),
        Column("first", EARLIEST, "min"),
        *_dimensions("actor", "country", "channel", "device", "cart", "checkout", "session"),
        Column("events", "Array(Tuple(Int64, UUID))", "groupUniqArrayArray"),
        Column("amounts", "Array(Tuple(Int64, UInt32, UUID, UInt64, Int64, String))", "groupUniqArrayArray"),
        Column("refunds", "Array(Tuple(Int64, UInt32, UUID, UInt64, Int64))", "groupUniqArrayArray"),
        Column(
            "currencies",
            f"Array(Tuple({_STAMP}, of Enum8('order' = 1, 'refund' = 2), currency String))",
            "groupUniqArrayArray",
        ),
        Column(
            "states",
            f"Array(Tuple({_STAMP}, state Enum8('completed' = 1, 'given_back' = 2, 'cancelled' = 3)))",
            "groupUniqArrayArray",
        ),
    ),
    ("tenant", "day", "id"),
)
TICKETS = Table(
    "tickets",
    "A ticket: the set of what happened to it (time, sequence, event id, hash, rank, marks, agent, created_at).",
    (
        Column("tenant", WORD),
        Column("id", "String"),
        *_dimensions("actor", "country", "channel", "device", "priority"),
        Column(
            "transitions",
            "Array(Tuple(Int64, UInt32, UUID, UInt64, UInt8, UInt8, String, Int64))",
            "groupUniqArrayArray",
        ),
    ),
    ("tenant", "id"),
)
NO_NUMBER = -2 * 10**18
"""What stands where an answer tells no number: none that is accepted is as small."""
ANSWERS = Table(
    "answers",
    "What was said (answer, rating of a ticket, review) or asked (invitation, showing) on one UTC day: the set of its "
    "versions (time, sequence, event id, hash, marks, version, score and its scale in millionths, metric, polarity, "
    "what it is about, agent, invitation), and of those that say whether it is completed. A review's survey is its "
    "source.",
    (
        Column("tenant", WORD),
        Column("kind", WORD),
        Column("survey", "String"),
        Column("question", "String"),
        Column("id", "String"),
        Column("day", "Date"),
        Column("first", EARLIEST, "min"),
        *_dimensions("actor", "country", "channel", "device"),
        Column(
            "versions",
            "Array(Tuple(Int64, UInt32, UUID, UInt64, UInt16, Int64, Int64, Int64, Int64, "
            "String, String, String, String, String))",
            "groupUniqArrayArray",
        ),
        Column(
            "completions",
            f"Array(Tuple({_STAMP}, version Int64, completed Enum8('untold' = 0, 'no' = 1, 'yes' = 2)))",
            "groupUniqArrayArray",
        ),
    ),
    ("tenant", "kind", "day", "survey", "question", "id"),
)
CONTACTS = Table(
    "contacts",
    "A call or chat on one UTC day of its events: the set of its steps (time, sequence, event id, hash, kind, marks, "
    "agent, intent, depth; talk, hold and wrap-up in millionths of a second).",
    (
        Column("tenant", WORD),
        Column("day", "Date"),
        Column("id", "String"),
        Column("first", EARLIEST, "min"),
        *_dimensions("actor", "country", "channel", "device", "direction", "topic", "ticket"),
        Column(
            "transitions",
            "Array(Tuple(Int64, UInt32, UUID, UInt64, UInt8, UInt16, String, String, Int64, Int64, Int64, Int64))",
            "groupUniqArrayArray",
        ),
    ),
    ("tenant", "day", "id"),
)
REFERRALS = Table(
    "referrals",
    "What an event says of referral codes: an invitation, somebody who came with a code, an order; kept as rows.",
    (
        Column("tenant", WORD),
        Column("kind", WORD),
        Column("actor", "String"),
        Column("code", "String"),
        Column("order_id", "String"),
        Column("payment", "String"),
        Column("bot", "UInt8"),
        Column("time", TIME),
        Column("sequence", "UInt32"),
        Column("event_id", "UUID"),
        Column("hash", "UInt64"),
    ),
    ("tenant", "kind", "actor", "code", "order_id", "payment", "bot", "time", "sequence", "event_id", "hash"),
)
SUBSCRIPTION_EVENTS = Table(
    "subscription_events",
    "A copy of an event of a trial, a subscription or a payment, with what it tells; money in millionths.",
    (
        Column("tenant", WORD),
        Column("name", WORD),
        Column("time", TIME),
        Column("event_id", "UUID"),
        Column("hash", "UInt64"),
        Column("sequence", "UInt32", "max"),
        Column("actor", "String", "max"),
        Column("account", "String", "max"),
        Column("parent", "String", "max"),
        Column("trial_id", "String", "max"),
        Column("subscription_id", "String", "max"),
        Column("status", "String", "max"),
        Column("has_amount", "UInt8", "max"),
        Column("amount", "Int64", "max"),
        Column("currency", "String", "max"),
        Column("interval", "String", "max"),
        Column("starts_at", "Int64", "max"),
        Column("ends_at", "Int64", "max"),
        Column("asked_at", "Int64", "max"),
        Column("card", "String", "max"),
        Column("country", "String", "max"),
        Column("channel", "String", "max"),
        Column("device", "String", "max"),
        Column("bot", "UInt8", "max"),
    ),
    ("tenant", "name", "time", "event_id", "hash"),
)
DEAD_LETTERS = Table(
    "dead_letters",
    "What was refused, why, and where it stood.",
    (
        Column("tenant", WORD),
        Column("received_at", TIME),
        Column("reason", WORD),
        Column("source", WORD),
        Column("field", "String"),
        Column("message", "String"),
        Column("message_id", "String"),
        Column("payload", "String"),
        Column("topic", WORD),
        Column("partition", "UInt32"),
        Column("offset", "UInt64"),
        Column("index", "UInt32"),
        Column("digest", "UInt64"),
        Column("request_id", "String"),
    ),
    ("tenant", "received_at", "reason", "topic", "partition", "offset", "index", "digest"),
    Source.NOTHING,
)
WATERMARKS = Table(
    "watermarks",
    "How far each partition of the log is counted, and how many there are.",
    (
        Column("topic", WORD),
        Column("partition", "UInt32"),
        Column("counted_to", "Int64", "max"),
        Column("partitions", "UInt32", "max"),
    ),
    ("topic", "partition"),
    Source.ITSELF,
)

PLACE = "Tuple(String, String, Int64, UInt128, UInt64)"
"""(tenant, name, time ms, event id, hash): a row of the archive, in the order in which it is kept."""
REBUILDS = Table(
    "rebuilds",
    "How far the archive has been folded again for a fact: in each run the last place done, and whether that was the "
    "end.",
    (
        Column("fact", WORD),
        Column("run", "Int64"),
        Column("reached", PLACE, "max"),
        Column("done", "UInt8", "max"),
    ),
    ("fact", "run"),
    Source.ITSELF,
)
MARKS = Table(
    "marks",
    "What one process has to know of itself at its next start, by name: of each the newest version counts.",
    (Column("name", WORD), Column("version", "Int64"), Column("value", "Int64")),
    ("name",),
    Source.ITSELF,
)
LEDGER = Table(
    "ledger",
    "Which parts each table had at the last look: name, partition, first and last block, rows; of events also their "
    "first and last time (ms). Of each table the newest version counts.",
    (
        Column("table", WORD),
        Column("version", "Int64"),
        Column("parts", "Array(Tuple(String, String, Int64, Int64, UInt64, Int64, Int64))"),
    ),
    ("table",),
    Source.ITSELF,
)
DAMAGES = Table(
    "damages",
    "What was lost of which table, when that was noticed, and when it was made good (0: not yet); the newest version "
    "of each counts.",
    (
        Column("table", WORD),
        Column("part", "String"),
        Column("found_at", "Int64"),
        Column("version", "Int64"),
        Column("reason", WORD),
        Column("rows", "UInt64"),
        Column("first", "Int64"),
        Column("last", "Int64"),
        Column("closed_at", "Int64"),
    ),
    ("table", "part", "found_at"),
    Source.ITSELF,
)
METRIC_BUCKETS = Table(
    "metric_buckets",
    "What was counted of the units that entered in [start, end) ms, in total and by each value of one dimension (cut), "
    "as of a version: the watermark that was read before. The rows of the newest version of a span part its time "
    "without gaps; `place` is their order, `cells` is JSON.",
    (
        Column("tenant", WORD),
        Column("metric", WORD),
        Column("span", WORD),
        Column("cut", WORD),
        Column("place", "UInt16"),
        Column("version", "Int64"),
        Column("start", "Int64"),
        Column("end", "Int64"),
        Column("cells", "String"),
    ),
    ("tenant", "metric", "span", "cut", "place"),
    Source.FACTS,
)
METRIC_POINTS = Table(
    "metric_points",
    "The published answers (JSON): of the windows that roll (end 0), and of those that have closed, by the instant (ms)"
    " at which they did. Of each the newest version counts: the watermark that was read before.",
    (
        Column("tenant", WORD),
        Column("metric", WORD),
        Column("window", WORD),
        Column("cut", WORD),
        Column("end", "Int64"),
        Column("version", "Int64"),
        Column("body", "String"),
    ),
    ("tenant", "end", "metric", "window", "cut"),
    Source.FACTS,
)
REVISIONS = Table(
    "revisions",
    "Values of closed windows [start, end) ms that were published as of `before` and are others as of `at`: old, new "
    "and why; the segment is JSON, empty for the total.",
    (
        Column("tenant", WORD),
        Column("metric", WORD),
        Column("start", "Int64"),
        Column("end", "Int64"),
        Column("segment", "String"),
        Column("before", "Int64"),
        Column("at", "Int64"),
        Column("old", "Nullable(Float64)"),
        Column("new", "Nullable(Float64)"),
        Column("why", WORD),
    ),
    ("tenant", "metric", "start", "end", "segment", "before"),
    Source.NOTHING,
)
TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        EVENTS,
        ACTIVITY,
        IDENTITY_LINKS,
        TRAITS,
        CARTS,
        CHECKOUTS,
        ORDERS,
        TICKETS,
        CONTACTS,
        ANSWERS,
        REFERRALS,
        SUBSCRIPTION_EVENTS,
        DEAD_LETTERS,
        WATERMARKS,
        REBUILDS,
        MARKS,
        LEDGER,
        DAMAGES,
        METRIC_BUCKETS,
        METRIC_POINTS,
        REVISIONS,
    )
}
FACTS: tuple[Table, ...] = tuple(table for table in TABLES.values() if table.source is Source.ARCHIVE)
"""What is derived from the archive and can be folded from it again."""
