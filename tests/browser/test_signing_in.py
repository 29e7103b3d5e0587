"""Signing in and out as a person does it: with a form, back to where they were, and a wrong token says so."""

from __future__ import annotations

import pytest

from tests.browser.board import TOKEN, Board
from tests.browser.chromium import Page

pytestmark = pytest.mark.browser
REFUSED = "Failed to load resource: the server responded with a status of 401 (Unauthorized)"


async def _enter(tab: Page, token: str) -> None:
    await tab.run(f"document.getElementById('token').value = '{token}'")
    await tab.run("document.querySelector('.locked button').click()")


async def test_a_form_signs_in_where_one_was_and_a_button_signs_out(tab: Page, board: Board) -> None:
    await tab.size(320, 700, mobile=True)
    await tab.open(f"{board.url}/metric/nps?window=P7D")
    assert await tab.run("document.activeElement.id") == "token"
    await _enter(tab, "rt_wrong")
    await tab.until("document.querySelector('.locked [role=alert]')?.textContent.includes('not known here')")
    assert await tab.run("document.documentElement.scrollWidth") == 320
    assert await tab.run("document.querySelector('.locked').lastElementChild.getBoundingClientRect().bottom < 600"), (
        "nothing is stretched"
    )
    await _enter(tab, TOKEN)
    await tab.until("document.querySelector('h1')?.textContent === 'Net promoter score'")
    assert await tab.run("location.pathname + location.search") == "/metric/nps?window=P7D"
    assert await tab.run("document.cookie") == "", "no script reads it"
    await tab.run("document.querySelector('form[action=\"/sign-out\"] button').click()")
    await tab.until("document.querySelector('.locked') && location.pathname === '/'")
    await tab.open("about:blank")
    assert all(REFUSED in each for each in tab.complaints)
    tab.complaints.clear()
