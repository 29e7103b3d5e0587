"""The dashboard of the real service: an event that is sent moves the number on the screen."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from tests.browser.chromium import Page
from tests.service import Service

pytestmark = [pytest.mark.browser, pytest.mark.e2e]
VIEWS = {"metric": ("/metric/event_count", ".hero .value"), "overview": ("/", ".card[data-metric=event_count] .value")}
FROZEN = "frozen"
EACH = [{"id": name, "write_keys": [f"wk_{name}"], "read_tokens": [f"rt_{name}"]} for name in (*VIEWS, FROZEN)]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """With a tenant for each test, which nobody has sent anything to."""
    own = Service(tmp_path_factory.mktemp("live") / "data", tenants={"tenants": EACH})
    own.start()
    yield own
    own.kill()


def send(service: Service, tenant: str, message_id: str) -> None:
    event = {"event": "product_viewed", "messageId": message_id, "anonymousId": message_id}
    assert service.send(event, Authorization=f"Bearer wk_{tenant}").status_code == 202


# Without kept answers the overview counts all of its metrics from the facts before it shows the first one: a full run.
@pytest.mark.long
@pytest.mark.parametrize("view", ["metric", pytest.param("overview", marks=pytest.mark.full)])
async def test_an_event_that_is_sent_moves_the_number_on_the_screen(tab: Page, service: Service, view: str) -> None:
    path, number = VIEWS[view]
    await tab.open(f"{service.url}{path}?token=rt_{view}")
    await tab.until("document.querySelector('.empty')", 60)
    assert "token" not in await tab.run("location.href")
    await tab.run("window.mark = 'the same document'")
    send(service, view, "m1")
    await tab.until(f"document.querySelector('{number}')?.textContent === '1'", 60)
    send(service, view, "m2")
    await tab.until(f"document.querySelector('{number}').textContent === '2'", 60)
    assert await tab.run("window.mark") == "the same document"
    await tab.open("about:blank")


async def test_a_service_that_stands_still_is_noticed_by_what_does_not_come(tab: Page, service: Service) -> None:
    send(service, FROZEN, "m1")
    await tab.open(f"{service.url}/metric/event_count?token=rt_{FROZEN}")
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
