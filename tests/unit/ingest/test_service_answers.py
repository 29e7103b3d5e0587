"""Who may send, what is answered, and that a success is answered only once the log has the events."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest

from ingest.http import Response
from ingest.service import Ingest
from tests.unit.ingest.memory_log import MemoryLog

EVENT = {"event": "page", "messageId": "m1", "timestamp": "2026-11-18T09:58:00Z"}
KEY = {"x-write-key": "wk_demo"}


async def send(
    ingest: Ingest,
    body: Any = EVENT,
    headers: dict[str, str] | None = None,
    *,
    path: str = "/v1/events",
    query: dict[str, str] | None = None,
    method: str = "POST",
) -> Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await ingest.handle(method, path, KEY if headers is None else headers, query or {}, raw)


def told(response: Response) -> dict[str, Any]:
    parsed = json.loads(response.body)
    assert isinstance(parsed, dict)
    return parsed


def basic(user: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{user}:".encode()).decode()}


@pytest.mark.parametrize(
    ("headers", "query", "status"),
    [
        (basic("wk_demo"), {}, 202),
        ({"authorization": "Bearer wk_demo"}, {}, 202),
        ({"authorization": "bearer wk_demo"}, {}, 202),
        ({"x-write-key": "wk_demo"}, {}, 202),
        ({}, {"write_key": "wk_demo"}, 202),
        ({}, {"writeKey": "wk_demo"}, 202),
        ({}, {}, 401),
        ({"authorization": "Basic !!!"}, {}, 401),
        ({"authorization": "Bearer"}, {}, 401),
        ({"x-write-key": "wk_unknown"}, {}, 401),
        ({"authorization": "Bearer rt_demo"}, {}, 403),
        ({}, {"write_key": "rt_demo"}, 403),
        ({**basic("wk_demo"), "x-write-key": "wk_unknown"}, {}, 202),
    ],
)
async def test_who_may_write(
    ingest: Ingest, log: MemoryLog, headers: dict[str, str], query: dict[str, str], status: int
) -> None:
    response = await send(ingest, headers=headers, query=query)
    assert response.status == status
    assert len(log.records) == (status == 202)


async def test_a_stranger_learns_nothing_about_the_body(ingest: Ingest) -> None:
    assert (await send(ingest, b"not json", headers={})).status == 401


async def test_the_key_may_stand_in_the_body(ingest: Ingest, log: MemoryLog) -> None:
    response = await send(ingest, {"events": [EVENT], "writeKey": "wk_shop"}, headers={})
    assert response.status == 202
    assert log.records[0].tenant == "shop"


async def test_good_and_bad_items_are_told_apart(ingest: Ingest, log: MemoryLog) -> None:
    bad = {"event": "product_added", "messageId": "m2", "properties": {"price": "free"}}
    response = await send(ingest, [EVENT, bad, {"event": "page"}])
    assert response.status == 202
    answered = told(response)
    assert [(each["index"], each["code"]) for each in answered.pop("warnings")] == [(2, "unidentified")]
    assert answered == {
        "accepted": 2,
        "rejected": [
            {
                "index": 1,
                "messageId": "m2",
                "code": "invalid_property",
                "field": "properties.price",
                "message": "expected a number",
            }
        ],
    }
    assert len(log.records) == 2
    assert len(log.frames[0].dead_letters) == 1


async def test_none_good_is_a_problem_that_lists_them_and_keeps_them_as_dead_letters(
    ingest: Ingest, log: MemoryLog
) -> None:
    response = await send(ingest, [{"event": ""}])
    body = told(response)
    assert response.status == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert (body["code"], body["accepted"], len(body["rejected"])) == ("no_valid_event", 0, 1)
    assert body["retryable"] is False
    assert len(log.frames[0].dead_letters) == 1


async def test_a_duplicate_counts_as_accepted(ingest: Ingest, log: MemoryLog) -> None:
    assert told(await send(ingest, [EVENT, EVENT]))["accepted"] == 2
    assert len({record.event_id for record in log.records}) == 1


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"", {}, 400, "malformed_body"),
        (b"[1", {}, 400, "malformed_body"),
        (b" " * 1_000_001, {}, 413, "body_too_large"),
        (b"{}", {"content-encoding": "br"}, 415, "unsupported_encoding"),
        (b"{}", {"content-encoding": "gzip, zstd"}, 415, "unsupported_encoding"),
        (b"[]", {}, 422, "no_valid_event"),
    ],
)
async def test_bodies_that_cannot_be_taken(
    ingest: Ingest, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    response = await send(ingest, body, {**KEY, **headers})
    assert (response.status, told(response)["code"]) == (status, code)
    assert "retry-after" not in response.headers


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "identity", ""])
async def test_known_encodings_are_not_believed_either(ingest: Ingest, encoding: str) -> None:
    assert (await send(ingest, headers={**KEY, "content-encoding": encoding})).status == 202


async def test_unknown_paths_and_methods(ingest: Ingest) -> None:
    assert (await send(ingest, path="/v1/nothing")).status == 404
    assert (await send(ingest, path="/v1/webhooks/unknown/x")).status == 404
    response = await send(ingest, method="GET")
    assert (response.status, response.headers["allow"]) == (405, "POST")


async def test_an_unavailable_log_is_503_with_retry_after(ingest: Ingest, log: MemoryLog) -> None:
    log.failing = True
    response = await send(ingest)
    assert (response.status, told(response)["code"], response.headers["retry-after"]) == (503, "log_unavailable", "7")
    assert told(response)["retryable"] is True
    first = told(response)["detail"]
    assert "has taken nothing since 20" in first
    assert "the disk" not in first, "why is in the log of the service"
    await asyncio.sleep(0.002)
    assert told(await send(ingest))["detail"] == first, "the outage began once"


async def test_a_log_whose_deadline_is_over_is_503_and_no_success(ingest: Ingest, log: MemoryLog) -> None:
    log.open.clear()
    response = await send(ingest)
    assert (response.status, told(response)["code"]) == (503, "log_unavailable")
    assert response.headers["retry-after"] == "2"
    assert log.frames == []


async def test_what_waits_for_the_log_is_bounded_and_released(ingest: Ingest, log: MemoryLog) -> None:
    log.open.clear()
    large = {**EVENT, "properties": {"x": "y" * 40_000}}
    sent = [asyncio.create_task(send(ingest, large)) for _ in range(5)]
    await asyncio.sleep(0.01)
    assert 80_000 < ingest.budget.held <= 100_000  # two wait, three were told to come back
    answers = await asyncio.gather(*sent)
    codes = sorted(told(response)["code"] for response in answers)
    assert codes == ["log_unavailable"] * 2 + ["overloaded"] * 3
    assert all(response.headers["retry-after"] == "2" for response in answers)
    assert ingest.budget.held == 0
    log.open.set()
    assert (await send(ingest, large)).status == 202


async def test_a_request_that_is_given_up_releases_what_it_held(ingest: Ingest, log: MemoryLog) -> None:
    log.open.clear()
    waiting = asyncio.create_task(send(ingest))
    await asyncio.sleep(0.01)
    assert ingest.budget.held > 0
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert ingest.budget.held == 0


async def test_success_waits_for_the_log(ingest: Ingest, log: MemoryLog) -> None:
    log.open.clear()
    waiting = asyncio.create_task(send(ingest))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    log.open.set()
    assert (await waiting).status == 202


async def test_a_closing_service_takes_nothing_more(ingest: Ingest, log: MemoryLog) -> None:
    ingest.close()
    response = await send(ingest)
    assert (response.status, told(response)["code"]) == (503, "overloaded")
    assert "retry-after" in response.headers
    assert log.frames == []


async def test_an_unforeseen_failure_of_the_log_is_no_success(ingest: Ingest, log: MemoryLog) -> None:
    log.broken = True
    assert (await send(ingest)).status == 503
    assert log.frames == []
