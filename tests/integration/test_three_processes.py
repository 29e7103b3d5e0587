"""Long streams through HTTP, Kafka and two Faust workers: byte for byte the answers of the one-process mode.

All streams go to one tenant of the run's cluster. Deliveries are shuffled and a third of them comes twice. Corrected
times belong to the receipt, which is "now" for a running service; so each event carries its corrected time, and no
`sentAt`.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from schemas.record import decode_records
from tests.cluster import Cluster
from tests.reference.copies import iso
from tests.reference.harness import TENANT, answers, ask, filled, frame
from tests.reference.stream import Delivery, duplicated, shuffled
from tests.rotation import full, some
from tests.streams.streams import SIZE, STREAMS

pytestmark = [pytest.mark.kafka, pytest.mark.e2e, pytest.mark.engine, pytest.mark.long]
MAY_DIFFER = ("watermark", "status")
PARTS = {"shop": 2, "experience": 5, "growth": 5} if full() else {"shop": 4, "experience": 8, "growth": 8}
SIZES = {name: SIZE // part for name, part in PARTS.items()}
QUESTIONS = {"shop": 5, "experience": 4, "growth": 5}
"""So many are asked in a usual run, all in a full one."""


def dated(delivery: Mapping[str, Any]) -> Delivery:
    """The delivery with the times that were worked out at its receipt."""
    records = decode_records(frame(delivery).records)
    events = [
        {**{name: value for name, value in event.items() if name != "sentAt"}, "timestamp": iso(record.time)}
        for event, record in zip(delivery["events"], records, strict=True)
    ]
    return {"received_at": delivery["received_at"], "events": events}


def body(answer: bytes) -> str:
    """The answer without what depends on when it was asked."""
    whole = json.loads(answer)
    whole["warnings"] = [each for each in whole["warnings"] if each != "ahead_of_watermark"]
    return json.dumps({name: value for name, value in whole.items() if name not in MAY_DIFFER})


async def send(cluster: Cluster, deliveries: list[Delivery], clients: int = 8) -> None:
    """Every delivery once, several at a time; whoever is told to come back does."""
    waiting = iter(deliveries)
    async with httpx.AsyncClient(timeout=30.0, headers={"Authorization": f"Bearer {cluster.write_key}"}) as http:

        async def client() -> None:
            for delivery in waiting:
                content = json.dumps({"events": delivery["events"]}).encode()
                for wait in itertools.count(1):
                    answer = await http.post(cluster.ingest.url + "/v1/events", content=content)
                    if answer.status_code != 503:
                        break
                    await asyncio.sleep(min(wait, 5))
                assert (answer.status_code, answer.json()["rejected"]) == (202, [])

        await asyncio.gather(*(client() for _ in range(clients)))


async def test_three_processes_answer_byte_for_byte_as_one_does(
    engine_dsn: str, tmp_path: Path, shared_cluster: Cluster
) -> None:
    deliveries = [dated(delivery) for name, one in STREAMS.items() for delivery in one.draw(SIZES[name])]
    asked = [
        each for name, one in STREAMS.items() for each in some(one.questions, QUESTIONS[name], f"processes {name}")
    ]
    surveys = [question for one in STREAMS.values() for question in one.surveys]
    async with filled(engine_dsn, deliveries) as store:
        expected = await answers(store, tmp_path, asked, surveys)
    tenant = {"timezone": TENANT["timezone"], "currency": TENANT["currency"], "questions": surveys}
    with shared_cluster.tenant(str(TENANT["id"]), **tenant) as cluster:
        await send(cluster, duplicated(shuffled(deliveries, 1), 2))
        await asyncio.to_thread(cluster.settle, 240.0)
        headers = {"Authorization": f"Bearer {cluster.read_token}"}
        async with httpx.AsyncClient(base_url=cluster.query.url, headers=headers) as client:
            for (metric, query), wanted in zip(asked, expected, strict=True):
                assert body(await ask(client, metric, query)) == body(wanted), (metric, query)
