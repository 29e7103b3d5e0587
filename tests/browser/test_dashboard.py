"""The dashboard as a person uses it: numbers that move, a URL that says everything, and words for what is wrong."""

from __future__ import annotations

import pytest

from query_api.dashboard.page import VERSION
from schemas.periods import DAY_MS, parse_instant
from tests.browser.board import Board
from tests.browser.chromium import Page
from tests.waiting import until

pytestmark = pytest.mark.browser
ORDERS = ".card[data-metric=orders]"
METRIC = "/metric/cart_abandonment_rate"
WHOLE = """(document.querySelector('.behind').scrollIntoView(),
  ['.uplot', '.breakdown', '.rows td'].every((each) => document.querySelector(each)))"""


async def value(page: Page, selector: str = ORDERS) -> str:
    return await page.text(f"{selector} .value")


async def test_numbers_move_without_a_reload(page: Page, board: Board) -> None:
    await page.until(f"document.querySelector('{ORDERS} .value')?.textContent === '108'")
    await page.until("document.querySelector('.freshness').dataset.state === 'live'")
    await page.run("window.mark = 'the same document'")
    board.size = 480
    await page.until(f"document.querySelector('{ORDERS} .value').textContent === '216'")
    assert await page.run("window.mark") == "the same document"
    assert await page.run("performance.getEntriesByType('navigation').length") == 1


async def test_each_number_comes_with_all_that_it_must_not_travel_without(page: Page) -> None:
    card = ".card[data-metric=cart_abandonment_rate]"
    await page.until(f"document.querySelector('{card} .interval') && document.querySelector('{card} .sparkline')")
    text = await page.text(card)
    for told in ("Cart abandonment rate", "55.0%", "48.5% – 61.0%", "n 240", "provisional", "points", "noise"):
        assert told in text
    said = await page.run(f"document.querySelector('{card} .interval').getAttribute('aria-label')")
    assert said.startswith("55.0%, between the limits 48.5% – 61.0%; before ")


async def test_the_url_restores_the_view(page: Page, board: Board) -> None:
    asked = "?window=P7D&tz=America/New_York&segment=device&filter=country:in:DE,AT&horizon=PT48H&sort=value&step=P1D"
    await page.open(board.url + METRIC + asked)
    await page.until(WHOLE)

    async def view() -> tuple[object, ...]:
        fields = (
            "['window', 'tz', 'segment', 'step', 'parameter-horizon'].map((id) => document.getElementById(id).value)"
        )
        rows = "[...document.querySelectorAll('.breakdown tbody th')].map((each) => each.textContent)"
        return (*await page.run(fields), *await page.run(rows), await page.text(".chip"), await page.text(".facts dd"))

    first = await view()
    assert first[:5] == ("window=P7D", "America/New_York", "device", "P1D", "PT48H")
    assert first[5:8] == ("(unknown)", "desktop", "mobile"), "sorted by value, ascending"
    assert "country is one of DE,AT" in str(first[8])
    assert "America/New_York" in str(first[9])
    again = await page.run("location.pathname + location.search")
    await page.open(board.url + str(again))
    await page.until(WHOLE)
    assert (await view())[:9] == first[:9]


async def test_what_is_chosen_stands_in_the_url_and_back_goes_back(page: Page) -> None:
    await page.until(f"document.querySelector('{ORDERS} .value')")
    choose = "const field = document.getElementById('window'); field.value = 'window=P28D'"
    await page.run(f"{{ {choose}; field.dispatchEvent(new Event('change')) }}")
    await page.until("location.search === '?window=P28D'")
    await page.run("document.getElementById('card-nps').click()")
    await page.until("location.pathname === '/metric/nps' && location.search === '?window=P28D'")
    await page.until("document.querySelector('h1').textContent === 'Net promoter score'")
    assert await page.run("document.activeElement.tagName") == "H1"
    await page.run("history.back()")
    await page.until("location.pathname === '/' && document.activeElement.id === 'card-nps'")
    await page.run("history.back()")
    await page.until("location.search === '' && document.getElementById('window').value === 'window=P1D'")


async def test_a_metric_that_fails_says_so_and_what_to_do_and_comes_back(page: Page, board: Board) -> None:
    card = ".card[data-metric=nps]"
    await page.until("document.querySelector('.freshness').dataset.state === 'live'")
    board.broken = {"nps"}
    await page.until(f"document.querySelector('{card}').dataset.state === 'broken'")
    text = await page.text(card)
    assert "The store does not answer" in text
    assert "does ClickHouse run" in text
    assert "–" not in await value(page)
    board.broken = set()
    await page.until(f"document.querySelector('{card}').dataset.state === 'known'")


async def test_a_filter_that_a_metric_does_not_have_is_told_on_its_card(page: Page, board: Board) -> None:
    await page.open(f"{board.url}/?filter=priority:eq:high")
    await page.until("document.querySelector('.card[data-metric=resolution_time] .value')")
    assert "There is no such segment" in await page.text(ORDERS)
    assert "Take this filter" in await page.text(ORDERS)


async def test_stale_numbers_say_since_when_and_what_to_look_at(page: Page, board: Board) -> None:
    await page.until("document.querySelector('.freshness').dataset.state === 'live'")
    await page.forget()
    board.age_ms = 14 * 60_000
    await page.open(f"{board.url}/?window=P7D")
    await page.until("document.querySelector('.freshness')?.textContent.includes('14m ago')")
    assert "14m ago" in await page.text(".freshness")
    assert "Nothing has been counted for 14m" in await page.text(".notice")
    board.age_ms = 0
    await page.until("document.querySelector('.freshness').dataset.state === 'live'")
    assert await page.run("document.querySelector('.notice')") is None


async def test_an_empty_installation_says_what_to_do_and_notices_the_first_event(page: Page, board: Board) -> None:
    board.stored = 0
    await page.open(board.url)
    await page.until("document.querySelector('.empty')")
    text = await page.text(".empty")
    assert f"curl -sS {board.url}/v1/events" in text
    assert "set its host to" in text
    assert "wk_board" not in text, "who may read may not write"
    board.stored = 1
    await page.until(f"document.querySelector('{ORDERS} .value')")


async def test_everything_is_reached_by_keyboard(page: Page, board: Board) -> None:
    await page.open(board.url + METRIC)
    await page.until("document.querySelector('.uplot')")
    await page.press("Tab", 9)
    assert await page.run("document.activeElement.className") == "skip"
    await page.until(WHOLE)
    await page.run("document.querySelector('.plot').focus()")
    before = await page.text(".readout")
    await page.press("ArrowLeft", 37)
    assert (told := await page.text(".readout")) != before
    await page.press("ArrowLeft", 37)
    assert await page.text(".readout") != told
    await page.run("document.getElementById('sort-n').focus()")
    await page.press("Enter", 13, "\r")
    await page.until("location.search === '?sort=n' && document.activeElement.id === 'sort-n'")


async def test_the_rows_behind_a_number_are_paged(page: Page, board: Board) -> None:
    await page.open(board.url + METRIC)
    await page.until(WHOLE)
    assert "1 to 20 of 45" in await page.text(".rows")
    await page.run("document.getElementById('rows-next').click()")
    await page.until("document.querySelector('.rows').innerText.includes('21 to 40 of 45')")
    await page.run("document.getElementById('rows-back').click()")
    await page.until("document.querySelector('.rows').innerText.includes('1 to 20 of 45')")


async def test_a_row_tells_why_it_counts_as_it_does(page: Page, board: Board) -> None:
    await page.open(board.url + METRIC)
    await page.until(WHOLE)
    await page.run("document.querySelector('button.id').click()")
    await page.until("document.querySelector('.story ol')")
    text = await page.text(".story")
    assert "order PT5S later" in text
    assert "product added event e1, request req1" in text
    assert await page.run("document.querySelector('button.id').getAttribute('aria-expanded')") == "true"


@pytest.mark.parametrize("path", ["/", METRIC])
async def test_nothing_hangs_over_the_edge_of_a_phone(page: Page, board: Board, path: str) -> None:
    await page.size(320, 700, mobile=True)
    await page.open(board.url + path)
    await page.until("document.querySelector('.interval')")
    assert await page.run("document.documentElement.scrollWidth") == 320


async def test_a_page_out_of_sight_holds_no_stream(page: Page, board: Board) -> None:
    await page.until("document.querySelector('.freshness').dataset.state === 'live'")
    assert board.listening() == 1
    await page.run("document.getElementById('card-nps').click()")
    await page.until("document.querySelector('.hero .value')")
    await until(lambda: board.listening() == 1, 5)


async def test_target_and_band_are_shown_once_a_body_carries_them(page: Page) -> None:
    """The two modules draw a body that names what the tenant aims at; words and sign, not colour alone."""
    card = f"/dashboard/{VERSION}/card.js"
    body = """{metric: 'nps', unit: 'score', direction: 'higher_is_better', value: 30, n: 90, status: 'final',
        maturity: 1, basis: 'mature', warnings: [], interval: {low: 22, high: 38}, comparison: null, window: {},
        target: {value: 50, distance: -20, met: false, interval_excludes: true},
        band: {name: 'good', low: 0, high: 50, source: 'somebody'}}"""
    shown = f"""import('{card}').then(({{Card}}) => {{
        const card = new Card({{name: 'nps', title: 'NPS'}});
        card.show({body});
        return card.root.textContent + card.root.querySelectorAll('path.target').length
          + card.root.querySelector('.interval').getAttribute('aria-label');
    }})"""
    text = await page.run(shown)
    assert "target 50 missed" in text
    assert "“good”" in text
    assert "1" + "30, between the limits 22 – 38; target 50" in text


async def test_a_kept_answer_is_shown_at_once_and_a_newer_one_takes_its_place(page: Page, board: Board) -> None:
    kept = board.publish(size=77, age_ms=300_000)
    board.counts.clear()  # nothing is counted until this is set again
    try:
        await page.open(board.url)
        await page.until(f"document.querySelector('{ORDERS} .value')?.textContent === '{kept['orders']['value']}'")
        assert "counted to" in await page.text(ORDERS)
    finally:
        board.counts.set()
    await page.until(f"document.querySelector('{ORDERS} .value').textContent === '108'")
    assert "counted to" not in await page.text(ORDERS)


async def test_what_was_restated_is_listed_with_its_reason(page: Page, board: Board) -> None:
    day = parse_instant("2026-11-20", "Europe/Berlin")
    board.revisions = [(day + n, day, day + DAY_MS, "", 0.5, 0.25 + n / 100, "late_event") for n in range(22)]
    await page.open(board.url + METRIC)
    rows = "document.querySelectorAll('.restated tbody tr')"
    await page.until(f"(document.querySelector('.restated')?.scrollIntoView(), {rows}.length === 20)")
    told = await page.text(".restated tbody tr")
    for words in ("Nov 20, 2026", "50.0%", "46.0%", "events of then came later"):
        assert words in told
    await page.run("document.getElementById('restated-more').click()")
    await page.until(f"{rows}.length === 22")
    assert await page.run("document.getElementById('restated-more')") is None


async def test_where_nothing_was_restated_it_says_so(page: Page, board: Board) -> None:
    await page.open(board.url + METRIC)
    said = "document.querySelector('.restated')?.textContent.includes('No value of a closed')"
    await page.until(f"(document.querySelector('.restated')?.scrollIntoView(), {said})")
