"""`sojourn dead-letters`: shows what could not be counted, and sends it through the log again once the cause is mended.

Replaying is safe to repeat: an item keeps its message id, or gets one from its place, and its receipt time. What is
still refused stays a dead letter and makes no new one.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from datetime import datetime
from functools import partial
from typing import Any

import msgspec

from deploy.clock import clock
from deploy.kafka.log import KafkaLog
from deploy.kafka.producer import connect
from deploy.migrate import migrate
from deploy.opening import is_embedded, lock_folder
from deploy.store import ClickHouseStore
from ingest.accept import NATIVE, Dialect, accept_items
from ingest.body import Items
from ingest.protocols import PROTOCOLS
from schemas.limits import MAX_EVENT_BYTES
from schemas.periods import format_instant
from schemas.ports import RecordsRefused
from schemas.record import DeadLetter, Frame, decode_records, encode, split_lines
from schemas.settings import Settings
from schemas.tables import DEAD_LETTERS
from schemas.tenants import load
from stream_processors.folded import Folded
from stream_processors.processor import Processor
from stream_processors.refusing import write

SHOWN_BYTES = 200
AGAIN_SECONDS = 60.0
PLACES = uuid.UUID("5d0f7f0a-6f5e-4c8e-9d0f-0d6a3c1c8a11")
"""Namespace of the ids of items that had neither an id nor a time: the place of the dead letter tells them apart."""
DIALECTS: dict[str, Dialect] = {
    route.dialect.source: route.dialect for protocol in PROTOCOLS.values() for route in protocol.routes
}
_FROM_THE_LOG = frozenset({"undecodable_record", "unstorable_record"})
"""Reasons of letters whose payload is a line of a frame and not an item of a request."""

Append = Callable[[Frame], Awaitable[None]]


def list_letters(settings: Settings, tenant: str, reason: str, limit: int) -> str:
    """The latest, one line of JSON each. Raises `CannotStart`, `StoreUnavailable`, `StoreRejected`."""

    async def told() -> str:
        async with AsyncExitStack() as stack:
            letters = await _letters(await _store(settings, stack), tenant, reason, limit)
        return "\n".join(map(_line, letters)) or "no dead letters"

    return asyncio.run(told())


def replay(settings: Settings, tenant: str, reason: str, limit: int) -> str:
    """Send the latest again; how many that were, and why others were not sent.

    Raises `CannotStart`, `StoreUnavailable`, `StoreRejected`, `LogUnavailable`.
    """

    async def told() -> str:
        async with AsyncExitStack() as stack:
            store = await _store(settings, stack)
            letters = await _letters(store, tenant, reason, limit)
            outcome = await send_again(letters, await _append(settings, store, stack), _zones(settings))
        sent = outcome.pop("", 0)
        kept = "".join(f"\nnot sent, {why}: {count}" for why, count in sorted(outcome.items()))
        return f"sent again: {sent} of {len(letters)}{kept}"

    return asyncio.run(told())


def _zones(settings: Settings) -> dict[str, str]:
    """In which zone the dates of each tenant begin."""
    if not settings.tenants.exists():
        return {}
    return {tenant.id: tenant.timezone for tenant in load(settings.tenants).tenants}


async def send_again(letters: list[DeadLetter], append: Append, zones: Mapping[str, str]) -> Counter[str]:
    """How many became records again (under ""), and how many not, by reason. Raises `LogUnavailable`."""
    outcome: Counter[str] = Counter()
    for letter in letters:
        lines, why = _records(letter, zones.get(letter.tenant, "UTC"))
        if lines:
            try:
                await append(Frame(letter.received_at, lines))
            except RecordsRefused:
                why = "still unstorable_record"
        outcome[why] += 1
    return outcome


def _records(letter: DeadLetter, zone: str) -> tuple[list[bytes], str]:
    """The encoded records that a letter's payload holds, else why there are none."""
    payload = letter.payload.encode()
    if len(payload) >= MAX_EVENT_BYTES:
        return [], "the payload was cut (whole in the topic of dead letters)"
    if letter.reason in _FROM_THE_LOG:
        try:
            return [encode(record) for record in decode_records(split_lines(payload))], ""
        except msgspec.MsgspecError:
            return [], "still not readable"
    place = (letter.topic, letter.partition, letter.offset, letter.index, letter.received_at, letter.payload)
    again = accept_items(
        Items([payload]),
        tenant=letter.tenant,
        source=letter.source,
        received_at=letter.received_at,
        random_id=lambda: str(uuid.uuid5(PLACES, json.dumps(place))),
        dialect=DIALECTS.get(letter.source, NATIVE),
        request_id=letter.request_id,
        zone=zone,
    )
    return again.frame.records, "" if again.accepted else f"still {again.rejected[0]['code']}"


async def _append(settings: Settings, store: ClickHouseStore, stack: AsyncExitStack) -> Append:
    """Where records go: to Kafka, or without it straight into the store."""
    if not settings.kafka:
        straight = _Straight(store)
        await straight.folded.catch_up()
        stack.push_async_callback(straight.folded.raise_mark)
        return straight.append
    connector = partial(connect, security=settings.kafka_security)
    log = KafkaLog(settings.kafka, settings.topic_prefix, clock, deadline_seconds=AGAIN_SECONDS, connector=connector)
    await log.start()
    stack.push_async_callback(log.close, AGAIN_SECONDS)
    return log.append


class _Straight:
    """Writes into the store of the one process while that is stopped. What was received long ago lowers the mark."""

    def __init__(self, store: ClickHouseStore) -> None:
        self._processor = Processor(store)
        self._writing: int | None = None
        self.folded = Folded(store, lambda: clock() if self._writing is None else self._writing)

    async def append(self, frame: Frame) -> None:
        """Raises `RecordsRefused`, and what the store raises: then the mark stays where it is."""
        await self.folded.begin(frame.received_at)
        self._writing = frame.received_at
        refused = await write(self._processor, [frame])
        self._writing = None
        self.folded.wrote(len(frame.records))
        if refused:
            raise RecordsRefused({place: each.letter.message for place, each in enumerate(refused)})


async def _store(settings: Settings, stack: AsyncExitStack) -> ClickHouseStore:
    store = ClickHouseStore(settings.store_dsn, query_seconds=settings.query_seconds, query_threads=1)
    if is_embedded(settings):
        lock_folder(settings, stack)
        await store.open()
        await migrate(store)
    stack.push_async_callback(store.close)
    return store


async def _letters(store: ClickHouseStore, tenant: str, reason: str, limit: int) -> list[DeadLetter]:
    names = [column.name for column in DEAD_LETTERS.columns if column.name != "digest"]
    rows = await store.query(
        f"SELECT {', '.join(f'`{name}`' for name in names)} FROM {DEAD_LETTERS.name} FINAL "
        "WHERE (tenant = {tenant:String} OR {tenant:String} = '') "
        "AND (reason = {reason:String} OR {reason:String} = '') "
        "ORDER BY received_at DESC, topic, `partition`, `offset`, `index`, digest LIMIT {limit:UInt32}",
        {"tenant": tenant, "reason": reason, "limit": limit},
    )
    return [_letter(dict(zip(names, row, strict=True))) for row in rows]


def _letter(fields: dict[str, Any]) -> DeadLetter:
    received_at: datetime = fields["received_at"]
    return DeadLetter(**{**fields, "received_at": round(received_at.timestamp() * 1000)})


def _line(letter: DeadLetter) -> str:
    told = msgspec.structs.asdict(letter)
    told["received_at"] = format_instant(letter.received_at)
    if len(letter.payload) > SHOWN_BYTES:
        told["payload"] = letter.payload[:SHOWN_BYTES] + "…"
    return json.dumps(told, ensure_ascii=False)
