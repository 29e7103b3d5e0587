"""Probes, signals and the counting of requests."""

from __future__ import annotations

import re

import httpx
from fastapi import FastAPI

from deploy.observe import Counting, router
from schemas.signals import ACCEPTED, REQUEST_SECONDS, REQUESTS, SECONDS, SIGNALS, STORED_AFTER, Histogram, prometheus


class Parts:
    reason = ""


async def test_ready_only_when_the_service_can_do_its_work() -> None:
    parts = Parts()

    async def not_ready() -> str:
        return parts.reason

    app = FastAPI()
    counting = Counting(app)
    app.include_router(router(not_ready, lambda: {REQUESTS: dict(counting.by_status), ACCEPTED: 3}))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(counting), base_url="http://test") as http:
        assert (await http.get("/readyz")).status_code == 200
        parts.reason = "the store does not answer"
        refused = await http.get("/readyz")
        assert (refused.status_code, refused.json()["reason"]) == (503, parts.reason)
        parts.reason = "the store does not answer, still"
        assert (await http.get("/readyz")).json()["since"] == refused.json()["since"]
        assert "sojourn_ready 0\n" in (await http.get("/metrics")).text
        parts.reason = ""
        assert "sojourn_ready 1\n" in (await http.get("/metrics")).text
        assert (await http.get("/healthz")).status_code == 200
        text = (await http.get("/metrics")).text
    assert 'sojourn_http_requests_total{status="200"} 4\n' in text
    assert 'sojourn_http_requests_total{status="503"} 2\n' in text
    assert "sojourn_events_accepted_total 3\n" in text
    assert counting.in_flight == 0


def test_signals_have_names_of_their_own_and_a_meaning() -> None:
    assert len({signal.name for signal in SIGNALS}) == len(SIGNALS)
    assert all(signal.meaning for signal in SIGNALS)
    assert all(signal.name.endswith("_total") == (signal.kind == "counter") for signal in SIGNALS)


def test_large_counts_are_written_in_full() -> None:
    assert prometheus({ACCEPTED: 123_456_789_012}).endswith("sojourn_events_accepted_total 123456789012\n")


SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\[\\n"])*",?)+)\})? ([0-9.e+-]+)')


def test_the_text_is_what_prometheus_reads() -> None:
    slow, quick = Histogram(), Histogram()
    for seconds in (0.001, 0.002, 70.0):
        slow.observe(seconds)
    text = prometheus({REQUESTS: {'2"0\\0\n': 1}, REQUEST_SECONDS: {"read": slow, "write": quick}, STORED_AFTER: slow})
    assert text.endswith("\n")
    samples = [line for line in text.splitlines() if not line.startswith("#")]
    assert all(SAMPLE.fullmatch(line) for line in samples), samples
    assert 'sojourn_http_requests_total{status="2\\"0\\\\0\\n"} 1' in samples
    assert "# TYPE sojourn_http_request_seconds histogram" in text
    read = [line for line in samples if 'kind="read"' in line]
    assert [line.rpartition(" ")[2] for line in read] == ["1", "2", *["2"] * (len(SECONDS) - 2), "3", "70.003", "3"]
    assert read[0].startswith('sojourn_http_request_seconds_bucket{kind="read",le="0.001"}')
    assert 'sojourn_http_request_seconds_bucket{kind="read",le="+Inf"} 3' in read
    assert 'sojourn_stored_after_seconds_bucket{le="+Inf"} 3' in samples


async def test_each_kind_of_request_has_its_own_times_and_every_process_tells_its_memory() -> None:
    async def ready() -> str:
        return ""

    app = FastAPI()
    counting = Counting(app)
    app.include_router(router(ready, counting.readings))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(counting), base_url="http://test") as http:
        await http.get("/healthz")
        await http.get("/nothing")
        await http.post("/nothing")
        text = (await http.get("/metrics")).text
    for kind in ("write", "read", "probe"):
        assert f'sojourn_http_request_seconds_count{{kind="{kind}"}} 1\n' in text
    assert float(re.search(r"^process_resident_memory_bytes (\S+)$", text, re.MULTILINE)[1]) > 1e6  # type: ignore[index]
