"""The dashboard of the real service: an event that is sent moves the number on the screen."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.browser.chromium import Page
from tests.service import READ_TOKEN, Service

pytestmark = [pytest.mark.browser, pytest.mark.e2e]
EVENTS = ".card[data-metric=event_count]"


# Without kept answers the page counts all of its metrics from the facts before it shows the first one.
@pytest.mark.long
async def test_an_event_that_is_sent_moves_the_number_on_the_screen(tab: Page, tmp_path: Path) -> None:
    service = Service(tmp_path / "data")
    service.start()
    try:
        await tab.open(f"{service.url}/?token={READ_TOKEN}")
        await tab.until("document.querySelector('.empty')", 60)
        assert "token" not in await tab.run("location.href")
        await tab.run("window.mark = 'the same document'")
        service.send({"event": "product_viewed", "messageId": "m1", "anonymousId": "a1"})
        await tab.until(f"document.querySelector('{EVENTS} .value')?.textContent === '1'", 60)
        service.send({"event": "product_viewed", "messageId": "m2", "anonymousId": "a2"})
        await tab.until(f"document.querySelector('{EVENTS} .value').textContent === '2'", 60)
        assert await tab.run("window.mark") == "the same document"
        await tab.open("about:blank")
    finally:
        service.kill()


async def test_a_service_that_stands_still_is_noticed_by_what_does_not_come(tab: Page, tmp_path: Path) -> None:
    service = Service(tmp_path / "data")
    service.start()
    try:
        service.send({"event": "product_viewed", "messageId": "m1", "anonymousId": "a1"})
        await tab.open(f"{service.url}/metric/event_count?token={READ_TOKEN}")
        await tab.until("document.querySelector('.freshness')?.dataset.state === 'live'", 60)
        assert service.process is not None
        service.process.send_signal(signal.SIGSTOP)  # its connections stay open
        try:
            await tab.run("{ const real = Date.now; Date.now = () => real() + 12_000; }")
            await tab.until("document.querySelector('.freshness').dataset.state === 'silent'", 8)
            assert "Nothing has come from the service for" in await tab.text(".notice")
        finally:
            service.process.send_signal(signal.SIGCONT)
        await tab.until("document.querySelector('.freshness').dataset.state === 'live'", 60)
        assert await tab.run("document.querySelector('.notice')") is None
        await tab.open("about:blank")
    finally:
        service.kill()
