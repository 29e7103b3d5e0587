"""The dashboard over HTTP: who gets it, what it may load, and that its files can be kept for ever."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import httpx
import pytest

from query_api.dashboard.page import ASSETS, VERSION
from tests.contracts.test_http_query import READ, app, http, is_problem, numbers, served

__all__ = ["app", "http", "numbers", "served"]  # fixtures
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
LARGEST = 150_000
SOURCES = {name: each.content.decode() for name, each in ASSETS.items() if not name.startswith("vendor/")}


@pytest.mark.parametrize("path", ["/", "/metric/dau", "/metric/nonsense?window=P7D"])
async def test_every_view_is_the_same_page(http: httpx.AsyncClient, path: str) -> None:
    page = await http.get(path, headers=READ)
    assert page.status_code == 200
    assert page.headers["content-security-policy"] == POLICY
    assert page.headers["cache-control"] == "private, no-store"
    assert page.text == (await http.get("/", headers=READ)).text


@pytest.mark.parametrize("path", ["/", "/metric/dau", "/?token=nobody", "/?token=wk_demo", "/?token="])
async def test_without_a_token_the_page_shows_nothing(http: httpx.AsyncClient, path: str) -> None:
    page = await http.get(path)
    assert page.status_code == 401
    assert 'name="tenant"' not in page.text
    assert "set-cookie" not in page.headers
    assert page.headers["content-security-policy"] == POLICY


@pytest.mark.parametrize("headers", [READ, {}])
async def test_the_page_has_no_inline_script_or_style_and_asks_nobody_else(
    http: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    page = (await http.get("/", headers=headers)).text
    assert not re.search(r"\s(style|on\w+)=", page)
    assert "<style" not in page
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", page))
    addresses = re.findall(r'(?:src|href|action)="([^"]*)"', page)
    assert addresses
    assert all(re.match(r"/(?!/)|#", each) for each in addresses)
    for each in addresses:
        if each.startswith("/dashboard/"):
            assert (await http.get(each)).status_code == 200, each


async def test_a_browser_may_keep_the_files_of_this_version_for_ever(http: httpx.AsyncClient) -> None:
    for name, asset in ASSETS.items():
        plain = await http.get(f"/dashboard/{VERSION}/{name}", headers={"accept-encoding": "identity"})
        assert plain.content == asset.content
        assert "immutable" in plain.headers["cache-control"]
        assert plain.headers["x-content-type-options"] == "nosniff"
        packed = await http.get(f"/dashboard/{VERSION}/{name}", headers={"accept-encoding": "gzip"})
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.content == asset.content
    other = await http.get("/dashboard/0123456789abcdef/app.js")
    assert (other.status_code, other.headers["cache-control"]) == (200, "no-cache")
    for path in (f"/dashboard/{VERSION}/other.js", f"/dashboard/{VERSION}/%2e%2e/page.py", f"/dashboard/{VERSION}/"):
        is_problem(await http.get(path), "not_found")


@pytest.mark.parametrize("name", [name for name in SOURCES if name.endswith(".js")])
def test_each_module_imports_only_files_beside_it(name: str) -> None:
    for told in re.findall(r'^import .*?from "(.*)";$', SOURCES[name], re.MULTILINE):
        assert Path(told).parent == Path(), told
        assert told.removeprefix("./") in ASSETS
    assert not re.search(r"""\bimport\((?!"\./\w+\.js"\)\.\w)|https?://(?!www\.w3\.org/|YOUR-)""", SOURCES[name])
    assert "innerHTML" not in SOURCES[name], "text must stay text, whatever a segment is called"


def test_the_page_is_light() -> None:
    assert sum(len(each.compressed) for each in ASSETS.values()) < LARGEST
    assert all(gzip.decompress(each.compressed) == each.content for each in ASSETS.values())
