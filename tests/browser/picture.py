"""Takes the picture of the page that README shows: `python -m tests.browser.picture LINK [FILE]`.

LINK is the one with the read token that `make run` prints, `sojourn keys` too, of the made-up shop once its history is
loaded. FILE is docs/page.png if none is named. Needs Chromium.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.browser.chromium import Page, executable, fresh_tab, running
from tests.service import ROOT

WIDTH, HEIGHT = 1280, 860
LARGEST = 200_000
"""Bytes that everybody who reads README may be asked to load."""
_TRENDS = 6
"""How many cards have to have their trend, which comes after the numbers: some have none."""
_SECONDS = 120.0
_VIEW = "&window=P7D"


async def _settled(page: Page) -> None:
    """Wait until the cards in view have their numbers, and the first of them their trends."""
    in_view = f"[...document.querySelectorAll('.card')].filter(card => card.getBoundingClientRect().top < {HEIGHT})"
    await page.until(f"{in_view}.length && {in_view}.every(card => card.querySelector('.value'))", _SECONDS)
    await page.until(f"{in_view}.filter(card => card.querySelector('.sparkline')).length >= {_TRENDS}", _SECONDS)


async def take(browser: str, link: str, file: Path) -> None:
    """Open the link in a fresh tab, and write what is in view."""
    async with fresh_tab(browser) as page:
        await page.scheme("light")
        await page.size(WIDTH, HEIGHT)
        await page.open(link + _VIEW)
        await _settled(page)
        await page.picture(file)


def main(arguments: list[str]) -> str | None:
    """Take it; what was wrong, if anything."""
    if not 1 <= len(arguments) <= 2 or arguments[0].startswith("-"):
        return __doc__
    path = executable()
    if path is None:
        return "no Chromium on this machine (Debian: apt-get install chromium)"
    file = Path(arguments[1]) if arguments[1:] else ROOT / "docs" / "page.png"
    with running(path) as browser:
        asyncio.run(take(browser, arguments[0], file))
    size = file.stat().st_size
    return f"{file} has {size:,} bytes, more than {LARGEST:,}" if size > LARGEST else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
