"""A browser, and a tab of it for each test, which fails if anything in it complained or asked another host."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.browser.board import TOKEN, Board, serving
from tests.browser.chromium import Page, executable, fresh_tab, running


@pytest.fixture
async def board(tmp_path: Path) -> AsyncIterator[Board]:
    """Numbers that the test sets."""
    async with serving(tmp_path) as running:
        yield running


@pytest.fixture(scope="session")
def chromium() -> Iterator[str]:
    """The one browser of this run. Skips where there is none, unless `SOJOURN_REQUIRE_BROWSER` is set."""
    path = executable()
    if path is None:
        reason = "no Chromium on this machine (Debian: apt-get install chromium)"
        if os.environ.get("SOJOURN_REQUIRE_BROWSER"):
            pytest.fail(reason)
        pytest.skip(reason)
    with running(path) as address:
        yield address


@pytest.fixture
async def tab(chromium: str, board: Board) -> AsyncIterator[Page]:
    """A tab that remembers nothing, gone before the board is."""
    async with fresh_tab(chromium) as page:
        yield page
        assert not page.complaints
        hosts = {urlsplit(url).netloc for url in page.requested if not url.startswith(("data:", "about:", "blob:"))}
        assert len(hosts) <= 1, "the page asked another host"


@pytest.fixture
async def page(tab: Page, board: Board) -> Page:
    """The tab, once the link with the token has been opened on the board."""
    await tab.scheme("light")
    await tab.size(1280, 900)
    await tab.open(f"{board.url}/?token={TOKEN}")
    return tab
