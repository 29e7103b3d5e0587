"""Probes, signals and the counting of requests."""

from __future__ import annotations

import httpx
from fastapi import FastAPI

from deploy.observe import Counting, router
from schemas.signals import ACCEPTED, REQUESTS, SIGNALS, prometheus


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
        assert (await http.get("/healthz")).status_code == 200
        text = (await http.get("/metrics")).text
    assert 'sojourn_http_requests_total{status="200"} 2\n' in text
    assert 'sojourn_http_requests_total{status="503"} 1\n' in text
    assert "sojourn_events_accepted_total 3\n" in text
    assert counting.in_flight == 0


def test_signals_have_names_of_their_own_and_a_meaning() -> None:
    assert len({signal.name for signal in SIGNALS}) == len(SIGNALS)
    assert all(signal.meaning for signal in SIGNALS)
    assert all(signal.name.endswith("_total") == (signal.kind == "counter") for signal in SIGNALS)


def test_large_counts_are_written_in_full() -> None:
    assert prometheus({ACCEPTED: 123_456_789_012}).endswith("sojourn_events_accepted_total 123456789012\n")
