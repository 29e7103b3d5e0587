"""Two tenants with the same ids in everything: whatever one may ask, the answer is the same whether or not the other
exists, over every route of the OpenAPI document.

Of routes that ask the same of many metrics a usual run takes some, drawn by its seed.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import ingest.app
import query_api.app
from deploy import observe
from deploy.application import application
from deploy.inside import Visitors
from deploy.store import ClickHouseStore
from ingest.service import Ingest
from schemas.metrics import METRICS
from schemas.periods import parse_instant
from schemas.record import Frame
from schemas.tenants import Tenants
from stream_processors.processor import Processor
from stream_processors.refusing import write
from tests.reference.harness import shape
from tests.rotation import of_each, some

pytestmark = pytest.mark.engine
ABOUT, EVENT_COUNT = "/v1/metrics/", "/v1/metrics/event_count"
MORE = 1
"""So many variants of a route does a usual run ask, beside the plain one; a full one asks all, and every metric."""
NOW = parse_instant("2026-11-20T12:00:00Z", "UTC")
WINDOW = {"from": "2026-11-10", "to": "2026-11-20", "at": "2026-11-20T12:00:00Z"}
_KEYS = {"a": ("wk_a", "rt_a", "secret-a"), "b": ("wk_b", "rt_b", "secret-b")}


class Direct:
    """A log that is the processor: what is appended is stored."""

    def __init__(self, store: ClickHouseStore) -> None:
        self._processor = Processor(store)

    async def append(self, frame: Frame) -> None:
        await write(self._processor, [frame])

    def ready(self) -> bool:
        return True


async def _ready() -> str:
    return ""


@pytest.fixture
async def http(store: ClickHouseStore, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    tenants = [
        {
            "id": name,
            "currency": "EUR",
            "write_keys": [write],
            "read_tokens": [read],
            "sources": [{"id": f"zd-{name}", "kind": "zendesk", "secrets": [secret]}],
        }
        for name, (write, read, secret) in _KEYS.items()
    ]
    path = tmp_path / "tenants.json"
    path.write_text(json.dumps({"tenants": tenants}))
    known = Tenants(path)
    app = application(
        observe.router(_ready, dict),
        query_api.app.router(store, known, lambda: NOW),
        ingest.app.router(Ingest(Direct(store), known, clock=lambda: NOW)),
        visitors=Visitors("", known),
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sojourn") as client:
        yield client


def _events(mark: str, count: int) -> list[dict[str, Any]]:
    """The same ids for everyone, in other numbers and with other words."""
    events: list[dict[str, Any]] = []
    for number in range(count):
        day = f"2026-11-1{number % 9}"
        who = {
            "userId": f"u{number % 3}",
            "anonymousId": f"a{number % 4}",
            "sessionId": f"s{number % 5}",
            "context": {"country": mark, "channel": mark, "device": {"type": mark}, "traits": {"plan": mark}},
        }
        things = {"cart_id": f"c{number}", "checkout_id": f"k{number}", "order_id": f"o{number}", "total": count}
        ticket = {"ticket_id": f"t{number}", "priority": mark, "agent_id": mark, "author_type": "agent"}
        for hour, (name, properties) in enumerate(
            (
                ("page", {"path": mark}),
                ("Product Added", things),
                ("Checkout Started", things),
                ("Order Completed", things),
                ("Ticket Created", {"ticket_id": f"t{number}", "priority": mark}),
                ("Ticket Replied", ticket),
                ("Ticket Solved", ticket),
                ("Ticket Reopened", ticket),
                (f"{mark} happened", {}),
            )
        ):
            events.append(
                {
                    **who,
                    "event": name,
                    "messageId": f"m{number}-{hour}",
                    "timestamp": f"{day}T{hour:02}:00:00Z",
                    "properties": properties,
                }
            )
    return events


async def _send(http: httpx.AsyncClient, name: str, count: int) -> None:
    answer = await http.post(
        "/v1/events",
        json={"events": _events(f"word-of-{name}", count)},
        headers={"authorization": f"Bearer {_KEYS[name][0]}"},
    )
    assert (answer.status_code, answer.json()["rejected"]) == (202, [])


def _questions(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    """Every route that is read, plain and with each segment and filters in the words of both tenants."""
    for path, operations in document["paths"].items():
        if "get" not in operations:
            continue
        asked = {parameter["name"] for parameter in operations["get"].get("parameters", [])}
        base = WINDOW if "from" in asked else {}
        yield path, dict(base)
        if path.startswith("/v1/funnels"):
            steps = {**base, "steps": "page_viewed,product_added,order_completed", "window": "P10D"}
            steps = {name: value for name, value in steps.items() if name not in ("from", "to")}
            for order in ("ordered", "strict", "unordered"):
                yield path, {**steps, "order": order, "segment": "trait.plan", "filter": "country:ne:word-of-a"}
            yield path, {**steps, "step_filter": "1:path:ne:word-of-a", "counting": "session"}
        metric = METRICS.get(path.removeprefix("/v1/metrics/").partition("/")[0])
        if metric is None and "filter" in asked and path != "/v1/values":
            for named in ("country", "channel", "device", "trait.plan"):
                yield path, {**base, "filter": f"{named}:eq:word-of-a"}
                yield path, {**base, "filter": f"{named}:nin:word-of-a"}
        if metric is None:
            continue
        # What stands beside the number is made of the same units, which are asked with every segment already.
        beside = path.endswith(("/explain", "/series", "/compare"))
        for segment in metric.segments[:1] if beside else metric.segments:
            named = segment.replace("trait.*", "trait.plan")
            yield path, {**base, "filter": f"{named}:eq:word-of-a"}
            if "segment" in asked and not beside:
                yield path, {**base, "segment": named, "filter": f"{named}:nin:word-of-a"}


def _resource(path: str) -> str:
    """What is drawn from: routes that ask the same of another metric are one; the plain value is one of each shape."""
    metric, _, beside = path.removeprefix(ABOUT).partition("/")
    return path if metric not in METRICS else beside or shape(metric)


async def _answers(http: httpx.AsyncClient, token: str) -> dict[str, str]:
    document = (await http.get("/openapi.json")).json()
    at_once = asyncio.Semaphore(4)

    async def answer(path: str, query: dict[str, str]) -> tuple[str, str]:
        async with at_once:
            given = await http.get(path, params=query, headers={"authorization": f"Bearer {token}"})
        assert given.status_code < 500, given.text
        return f"{path}?{json.dumps(query)}", given.text

    of_the_process = ("/metrics", "/healthz", "/readyz")
    variants: defaultdict[str, list[dict[str, str]]] = defaultdict(list)
    for path, query in _questions(document):
        variants[path].append(query)
    drawn = of_each(_resource, [path for path in variants if path not in of_the_process], "two tenants")
    asked = [
        (path, query)
        for path in {*drawn, EVENT_COUNT}
        for query in (variants[path][0], *some(variants[path][1:], MORE, f"two tenants {path}"))
    ]
    return dict(await asyncio.gather(*(answer(*question) for question in asked)))


@pytest.mark.long
async def test_answers_do_not_depend_on_whether_another_tenant_exists(http: httpx.AsyncClient) -> None:
    await _send(http, "b", 4)
    alone = await _answers(http, "rt_b")
    await _send(http, "a", 9)
    together = await _answers(http, "rt_b")
    assert len(alone) > 40
    assert together == alone
    assert "word-of-b" in "".join(together.values())
    path = "/v1/metrics/event_count"
    asked = [{"authorization": f"Bearer {token}"} for token in ("rt_a", "rt_b")]
    told = [(await http.get(path, params=WINDOW, headers=headers)).text for headers in asked]
    assert told[0] != told[1]


async def test_a_cursor_of_one_opens_nothing_for_the_other(http: httpx.AsyncClient) -> None:
    await _send(http, "a", 3)
    await _send(http, "b", 3)
    names, refused = of_each(shape, [*METRICS], "cursors"), 0
    for path in (*(f"/v1/metrics/{name}/explain" for name in names), "/v1/funnels/people"):
        query = {**WINDOW, "limit": "1"}
        page = await http.get(path, params=query, headers={"authorization": "Bearer rt_a"})
        cursor = page.json()["next_cursor"]
        refused += bool(cursor)
        if cursor:
            given = await http.get(path, params={**query, "cursor": cursor}, headers={"authorization": "Bearer rt_b"})
            assert given.status_code == 400, path
    assert refused


async def test_no_other_secret_reads(http: httpx.AsyncClient) -> None:
    document = (await http.get("/openapi.json")).json()
    read = [path for path, operations in document["paths"].items() if "get" in operations and path.startswith("/v1/")]
    for key in ("wk_a", "wk_b", "secret-a", "", "rt_"):
        for path in read:
            given = await http.get(path, headers={"authorization": f"Bearer {key}"})
            assert given.status_code in (401, 403), (key, path)


async def test_a_webhook_source_takes_only_its_own_secret(http: httpx.AsyncClient) -> None:
    for source in ("zd-a", "zd-b", "zd-c"):
        given = await http.post(
            f"/v1/webhooks/zendesk/{source}",
            content=b"{}",
            headers={"x-zendesk-webhook-signature": "x", "x-zendesk-webhook-signature-timestamp": "y"},
        )
        assert given.status_code == 401


async def test_the_same_message_id_of_two_tenants_is_two_events(http: httpx.AsyncClient) -> None:
    await _send(http, "a", 2)
    await _send(http, "b", 3)
    for name, count in (("a", 18), ("b", 27)):
        given = await http.get(
            "/v1/metrics/event_count", params=WINDOW, headers={"authorization": f"Bearer {_KEYS[name][1]}"}
        )
        assert given.json()["value"] == count
