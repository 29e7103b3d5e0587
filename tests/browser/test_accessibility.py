"""No rule of axe-core is broken seriously: on each kind of page, light or dark as the seed of a usual run draws it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.browser.board import Board
from tests.browser.chromium import Page
from tests.rotation import some

pytestmark = pytest.mark.browser
AXE = (Path(__file__).parent / "vendor/axe-core/axe.min.js").read_text()
FOUND = """axe.run(document, {resultTypes: ["violations"]}).then(({violations, passes}) => JSON.stringify({
  passed: passes.length,
  violations: violations.map(({id, impact, nodes}) => ({id, impact, nodes: nodes.slice(0, 5).map((each) =>
    [each.html.slice(0, 200), each.failureSummary])}))}))"""
SCHEMES = ("light", "dark")
SERIOUS = ("serious", "critical")
VIEWS = {
    "overview": ("/", "document.querySelectorAll('.sparkline').length > 3"),
    "metric": (
        "/metric/nps?window=P7D",
        """(document.querySelector('.behind').scrollIntoView(),
        ['.uplot', '.breakdown', '.rows td'].every((each) => document.querySelector(each)))""",
    ),
    "refused": ("/?filter=priority:eq:high", "document.querySelector('.problem')"),
}


async def audit(page: Page) -> None:
    await page.run(f"{AXE}; true")
    told = json.loads(await page.run(FOUND))
    assert told["passed"] > 10, "the rules did not run"
    serious = [each for each in told["violations"] if each["impact"] in SERIOUS]
    assert not serious, json.dumps(serious, indent=1)


@pytest.mark.parametrize(
    ("view", "scheme"), [(view, scheme) for view in VIEWS for scheme in some(SCHEMES, 1, f"colours of {view}")]
)
async def test_no_view_breaks_a_rule_seriously(page: Page, board: Board, view: str, scheme: str) -> None:
    path, ready = VIEWS[view]
    await page.scheme(scheme)
    await page.open(board.url + path)
    await page.until(ready)
    await page.run("document.querySelector('button.id')?.click()")
    await page.run("document.querySelectorAll('details').forEach((each) => { each.open = true })")
    await audit(page)


@pytest.mark.parametrize("scheme", some(SCHEMES, 1, "colours of an empty one"))
async def test_nor_does_an_empty_or_stale_installation(page: Page, board: Board, scheme: str) -> None:
    await page.scheme(scheme)
    board.stored = 0
    await page.open(board.url)
    await page.until("document.querySelector('.empty')")
    await audit(page)
    await page.forget()
    board.stored, board.age_ms = 10, 600_000
    await page.open(board.url + "/?window=P7D")  # another question: this one's stream still knows a later watermark
    await page.until("document.querySelector('.notice.stale') && document.querySelector('.card .value')")
    await audit(page)


async def test_nor_does_the_page_that_asks_for_a_token(tab: Page, board: Board) -> None:
    await tab.open(board.url)
    await tab.until("document.querySelector('.locked')")
    await audit(tab)
    assert len(tab.complaints) == 1, "a 401, as it should be"
    tab.complaints.clear()
