"""Kills the service under load again and again, starves it, and then compares event by event what was counted.

Every event has a message id of its own. Acknowledged: counted exactly once. Refused (4xx, or listed in `rejected`):
never counted. Without an answer, or answered 503: counted 0 or 1 times.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from tests.service import READ_TOKEN, WRITE_KEY, Service

CLIENTS = 12


@dataclass
class Ledger:
    """What the producers know of each message id."""

    acknowledged: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    unanswered: set[str] = field(default_factory=set)
    unavailable: set[str] = field(default_factory=set)
    requests: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Outcome:
    """The comparison. `violations` must be empty, and `unanswered` must not, or nothing was put to the test."""

    kills: int
    sent: int
    acknowledged: int
    refused: int
    unanswered: int
    unavailable: int
    counted: int
    missing: int
    twice: int
    counted_though_refused: int
    never_sent: int
    facts_apart: int

    @property
    def violations(self) -> int:
        return self.missing + self.twice + self.counted_though_refused + self.never_sent + self.facts_apart

    def table(self) -> str:
        rows = [
            ("kill -9", self.kills),
            ("message ids sent", self.sent),
            ("  acknowledged", self.acknowledged),
            ("  refused (4xx or rejected)", self.refused),
            ("  without an answer in the end (reset, time-out)", self.unanswered),
            ("  answered 503 in the end", self.unavailable),
            ("counted", self.counted),
            ("acknowledged and missing", self.missing),
            ("counted twice", self.twice),
            ("refused and counted", self.counted_though_refused),
            ("counted and never sent", self.never_sent),
            ("orders apart from events", self.facts_apart),
        ]
        return "\n".join(f"{name:<50} {number:>8}" for name, number in rows)


def order(message_id: str, chance: random.Random) -> dict[str, Any]:
    """A good event: an order of its own, with a time of its own or the receipt's."""
    event: dict[str, Any] = {
        "messageId": message_id,
        "event": "order_completed",
        "anonymousId": f"a{chance.randrange(50)}",
        "properties": {"order_id": message_id, "total": 1},
    }
    if chance.random() < 0.5:
        event["timestamp"] = datetime.now(UTC).isoformat()
    return event


async def produce(service: Service, ledger: Ledger, stop: asyncio.Event, chance: random.Random) -> None:
    """One client: batches of new events, now and then a bad one, a wrong key, or an old batch again."""
    again: list[list[dict[str, Any]]] = []
    async with httpx.AsyncClient(base_url=service.url, timeout=10.0, verify=False) as http:
        while not stop.is_set():
            bad: set[str] = set()
            if again and chance.random() < 0.3:
                batch = again.pop(chance.randrange(len(again)))
            else:
                batch = [order(f"m{chance.getrandbits(64):016x}", chance) for _ in range(chance.randint(1, 8))]
                if chance.random() < 0.1:
                    spoilt = batch[chance.randrange(len(batch))]
                    spoilt["timestamp"] = "no time at all"
            bad = {event["messageId"] for event in batch if event.get("timestamp") == "no time at all"}
            key = "wk_wrong" if chance.random() < 0.02 else WRITE_KEY
            answered = await send(http, ledger, batch, key)
            if answered and not bad and key == WRITE_KEY and chance.random() < 0.2:
                again.append(batch)  # a duplicate
            if not answered:
                if chance.random() < 0.7:
                    again.append(batch)  # a retry
                await asyncio.sleep(0.05)


async def send(http: httpx.AsyncClient, ledger: Ledger, batch: list[dict[str, Any]], key: str) -> bool:
    """Send a batch and write down what became of it; False when it may be sent again."""
    ids = {str(event["messageId"]) for event in batch}
    try:
        answer = await http.post("/v1/events", json={"events": batch}, headers={"Authorization": f"Bearer {key}"})
    except httpx.ConnectError:
        ledger.requests["not connected"] += 1
        return False
    except httpx.TransportError as error:
        ledger.requests[type(error).__name__] += 1
        ledger.unanswered |= ids
        return False
    ledger.requests[str(answer.status_code)] += 1
    if answer.status_code == 503:
        ledger.unavailable |= ids
        return False
    if answer.status_code == 401 and key != WRITE_KEY:
        ledger.refused |= ids
        return True
    rejected = {str(item["messageId"]) for item in answer.json().get("rejected", [])}
    ledger.refused |= rejected
    if answer.status_code == 202:
        ledger.acknowledged |= ids - rejected
        return True
    assert answer.status_code == 422, (answer.status_code, answer.text)
    assert rejected == ids, answer.text
    return True


async def _ask(http: httpx.AsyncClient, path: str, parameters: dict[str, str]) -> Any:
    """The body; whoever is told to come back later does, for a while."""
    until = time.monotonic() + 30
    while True:
        answer = await http.get(path, params=parameters)
        if answer.status_code != 503 or time.monotonic() > until:
            return answer.raise_for_status().json()
        await asyncio.sleep(float(answer.headers["Retry-After"]))


async def counted(service: Service, began: datetime) -> tuple[Counter[str], int]:
    """How many counted events carry each message id, and how many orders the facts know."""
    times = {
        "from": began.isoformat(),
        "to": (datetime.now(UTC) + timedelta(minutes=5)).isoformat(),
        "at": (datetime.now(UTC) + timedelta(minutes=10)).isoformat(),
    }
    found: Counter[str] = Counter()
    headers = {"Authorization": f"Bearer {READ_TOKEN}"}
    async with httpx.AsyncClient(base_url=service.url, timeout=60.0, headers=headers) as http:
        cursor: str | None = None
        while True:
            page = {"cursor": cursor} if cursor else {}
            body = await _ask(http, "/v1/metrics/event_count/explain", {**times, "limit": "1000", **page})
            for row in body["rows"]:
                found.update(row["message_ids"])
            cursor = body["next_cursor"]
            if cursor is None:
                break
        assert body["total"] == sum(found.values())
        value = (await _ask(http, "/v1/metrics/event_count", times))["value"]
        assert value == sum(found.values()), "the metric and its explanation differ"
        orders = (await _ask(http, "/v1/metrics/orders", times))["value"]
    return found, int(orders)


async def storm(
    service: Service, faults: Path, ledger: Ledger, chance: random.Random, *, kills: int, outage: float
) -> None:
    """Load, with `kills` deaths at random moments and one outage of the store."""
    stop = asyncio.Event()
    clients = [
        asyncio.create_task(produce(service, ledger, stop, random.Random(chance.random()))) for _ in range(CLIENTS)
    ]
    for _ in range(kills):
        await asyncio.to_thread(service.start)
        await asyncio.sleep(chance.uniform(0.2, 1.5))
        service.kill()
    await asyncio.to_thread(service.start)
    if outage:
        fault = faults.read_text()
        faults.write_text(fault + " refuse")
        await asyncio.sleep(outage)
        faults.write_text(fault)
        await asyncio.sleep(2.0)
    stop.set()
    await asyncio.gather(*clients)


def run(folder: Path, *, kills: int, outage: float, seed: int, mutant: bool = False) -> Outcome:
    """The whole experiment in an empty folder."""
    faults = folder / "faults"
    faults.write_text("mutant" if mutant else "")
    service = Service(
        folder / "data",
        module="tests.faults.serve",
        arguments=(),
        environment={"SOJOURN_TEST_FAULTS": str(faults)},
    )
    ledger, chance = Ledger(), random.Random(seed)
    began = datetime.now(UTC) - timedelta(minutes=1)
    try:
        asyncio.run(storm(service, faults, ledger, chance, kills=kills, outage=outage))
        service.kill()  # one more, so that what is compared was read from disk
        service.start()
        found, orders = asyncio.run(counted(service, began))
    finally:
        service.kill()
    print(f"answers: {dict(sorted(ledger.requests.items()))}")
    return compare(ledger, found, orders, kills + 1)


def compare(ledger: Ledger, found: Counter[str], orders: int, kills: int) -> Outcome:
    """Ids against ids. A refused id that was also sent with the right key and acknowledged counts as acknowledged."""
    open_ends = (ledger.unanswered | ledger.unavailable) - ledger.acknowledged
    refused = ledger.refused - ledger.acknowledged - open_ends
    sent = ledger.acknowledged | ledger.refused | open_ends
    return Outcome(
        kills=kills,
        sent=len(sent),
        acknowledged=len(ledger.acknowledged),
        refused=len(refused),
        unanswered=len(open_ends & ledger.unanswered),
        unavailable=len(open_ends - ledger.unanswered),
        counted=len(found),
        missing=len(ledger.acknowledged - found.keys()),
        twice=sum(number > 1 for number in found.values()),
        counted_though_refused=len(refused & found.keys()),
        never_sent=len(found.keys() - sent),
        facts_apart=abs(orders - len(found)),
    )
