"""Sessions of the page: how one begins and ends, what its cookie gives away, and that nobody is moved to another
tenant without being asked.
"""

from __future__ import annotations

import hashlib
import json
import time
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from query_api import sessions
from query_api.access import COOKIE
from schemas.tenants import Tenant, Tenants
from tests.contracts.test_http_query import READ, app, http, is_problem, numbers, served
from tests.reader import Reader
from tests.waiting import until

__all__ = ["app", "http", "numbers", "served"]  # fixtures
NONCE = bytes(sessions.NONCE_BYTES)
PUBLIC = {"/dashboard/{version}/{path:path}"}
"""Routes that give everybody the same."""


def tenants_of(folder: Path, *tenants: dict[str, Any]) -> Tenants:
    path = folder / "tenants.json"
    path.write_text(json.dumps({"tenants": tenants}))
    return Tenants(path)


def hashed(token: str) -> str:
    return "sha256:" + hashlib.sha256(token.encode()).hexdigest()


def session(tenants: Tenants, token: str, ends: float) -> str:
    tenant = tenants.by_read_token(token)
    assert tenant is not None
    return sessions.seal(tenant, token, ends, NONCE)


@pytest.mark.parametrize("written", ["rt_long-enough", hashed("rt_long-enough")])
def test_a_session_is_taken_by_every_process_with_the_same_file_until_it_ends(tmp_path: Path, written: str) -> None:
    one = tenants_of(tmp_path, {"id": "a.b", "read_tokens": ["rt_first", written]})
    cookie = session(one, "rt_long-enough", 1000)
    another = Tenants(tmp_path / "tenants.json")
    assert sessions.opened(another, cookie, 999) == another.by_id("a.b")
    assert sessions.opened(another, cookie, 1000) is None


def test_a_token_that_is_taken_back_ends_its_sessions_and_no_others(tmp_path: Path) -> None:
    before = tenants_of(tmp_path, {"id": "a", "read_tokens": ["rt_1", "rt_2"]})
    first, second = session(before, "rt_1", 1000), session(before, "rt_2", 1000)
    after = tenants_of(tmp_path, {"id": "a", "read_tokens": ["rt_2"]})
    assert sessions.opened(after, first, 0) is None
    assert sessions.opened(after, second, 0) is not None


def test_neither_the_cookie_nor_the_digest_in_the_file_is_as_good_as_the_token(tmp_path: Path) -> None:
    tenants = tenants_of(tmp_path, {"id": "a", "read_tokens": [hashed("rt_secret")]})
    cookie = session(tenants, "rt_secret", 1000)
    assert "rt_secret" not in cookie
    assert b"rt_secret" not in sessions._decoded(cookie.partition(".")[2])
    # Someone who reads the digest in the file knows every key of the seal, but not what has to be in it.
    forged = tenants.by_id("a")
    assert forged is not None
    body = (1000).to_bytes(6) + NONCE
    key = hashlib.sha256(b"rt_secret").digest()
    sealed = body + sessions._masked(b"anything", key, body)
    raw = sealed + sessions._tag(forged, key, sealed)
    assert sessions.opened(tenants, f"a.{urlsafe_b64encode(raw).decode()}", 0) is None


@pytest.mark.parametrize("place", [0, 1, 5, 25, -1])
def test_a_session_that_was_changed_anywhere_is_none(tmp_path: Path, place: int) -> None:
    tenants = tenants_of(tmp_path, {"id": "a", "read_tokens": ["rt_1"]}, {"id": "b", "read_tokens": ["rt_2"]})
    cookie = session(tenants, "rt_1", 1000)
    text = bytearray(sessions._decoded(cookie.partition(".")[2]))
    text[place] ^= 1
    assert sessions.opened(tenants, f"a.{urlsafe_b64encode(bytes(text)).decode()}", 0) is None
    assert sessions.opened(tenants, "b" + cookie[1:], 0) is None
    assert sessions.opened(tenants, cookie + "A" * 5000, 0) is None


@pytest.mark.parametrize("cookie", ["", ".", "a", "a.", "a.!", "a.AAAA", "rt_1", "a.rt_1", "ä.ö"])
def test_what_is_no_session_is_none(tmp_path: Path, cookie: str) -> None:
    assert sessions.opened(tenants_of(tmp_path, {"id": "a", "read_tokens": ["rt_1"]}), cookie, 0) is None


@pytest.mark.parametrize(
    ("asked", "at"),
    [
        ("/?token=rt_demo", "/"),
        ("/?window=P7D&token=rt_demo&filter=country:in:DE,AT", "/?window=P7D&filter=country:in:DE,AT"),
        ("/metric/dau?token=rt_demo&segment=device", "/metric/dau?segment=device"),
    ],
)
async def test_a_link_keeps_its_address_and_loses_its_token(http: httpx.AsyncClient, asked: str, at: str) -> None:
    answer = await http.get(asked)
    assert (answer.status_code, answer.headers["location"]) == (303, at)
    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict", f"Max-Age={sessions.SECONDS}", "Path=/"} <= set(cookie.split("; "))
    assert "rt_demo" not in cookie
    assert '<meta name="tenant" content="demo">' in (await http.get(at)).text
    assert (await http.get("/v1/status")).status_code == 200


@pytest.mark.parametrize(
    ("base", "headers", "secure"),
    [("http://a", {}, False), ("https://a", {}, True), ("http://a", {"x-forwarded-proto": "https"}, True)],
)
async def test_behind_https_the_cookie_is_never_sent_without(
    app: FastAPI, base: str, headers: dict[str, str], *, secure: bool
) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=base) as client:
        answer = await client.get("/?token=rt_demo", headers=headers)
        assert ("Secure" in answer.headers["set-cookie"]) is secure


async def test_signing_out_ends_the_session_of_the_browser(http: httpx.AsyncClient) -> None:
    await http.post("/sign-in", data={"token": "rt_demo", "to": "/metric/dau"})
    assert (await http.get("/v1/status")).status_code == 200
    answer = await http.post("/sign-out")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert (await http.get("/v1/status")).status_code == 401


async def test_a_session_that_has_ended_is_told_and_leads_back(http: httpx.AsyncClient) -> None:
    cookie = an_ended_session()
    page = await http.get("/metric/dau?window=P7D", headers={"cookie": f"{COOKIE}={cookie}"})
    assert page.status_code == 401
    assert "Your session has ended" in page.text
    assert 'name="to" value="/metric/dau?window=P7D"' in page.text
    refused = is_problem(await http.get("/v1/status", headers={"cookie": f"{COOKIE}={cookie}"}), "unauthorized")
    assert "session has ended" in refused["detail"]


def an_ended_session() -> str:
    return sessions.seal(Tenant(id="demo", read_tokens=("rt_demo",)), "rt_demo", time.time() - 1, NONCE)


async def test_a_link_to_another_tenant_asks_before_it_takes_the_place_of_the_present(http: httpx.AsyncClient) -> None:
    await http.get("/?token=rt_demo")
    asked = await http.get("/?token=rt_other&window=P7D")
    assert asked.status_code == 200
    assert "set-cookie" not in asked.headers
    assert "You are signed in to demo." in asked.text
    assert "Sign in to other" in asked.text
    assert '<meta name="tenant" content="demo">' in (await http.get("/")).text
    agreed = await http.post("/sign-in", data={"token": "rt_other", "to": "/?window=P7D"})
    assert (agreed.status_code, agreed.headers["location"]) == (303, "/?window=P7D")
    assert '<meta name="tenant" content="other">' in (await http.get("/")).text
    assert (await http.get("/?token=rt_other")).status_code == 303, "the same tenant again is no question"


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_link_on_another_site_asks_since_the_browser_withholds_the_cookie(
    http: httpx.AsyncClient, site: str
) -> None:
    asked = await http.get("/?token=rt_demo", headers={"sec-fetch-site": site})
    assert "set-cookie" not in asked.headers
    assert "signs you in to <strong>demo</strong>" in asked.text
    assert (await http.get("/?token=rt_demo", headers={"sec-fetch-site": "none"})).status_code == 303


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "same-origin", "origin": "http://sojourn"}, 303),
        ({"origin": "http://sojourn"}, 303),
        ({}, 303),
    ],
)
@pytest.mark.parametrize("path", ["/sign-in", "/sign-out"])
async def test_another_site_signs_nobody_in_or_out(
    http: httpx.AsyncClient, path: str, headers: dict[str, str], status: int
) -> None:
    answer = await http.post(path, data={"token": "rt_demo"}, headers=headers)
    assert answer.status_code == status
    assert ("set-cookie" in answer.headers) is (status == 303)


@pytest.mark.parametrize(
    "to", ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:1", "", "/\n/x", "/ü"]
)
async def test_signing_in_leads_nowhere_else(http: httpx.AsyncClient, to: str) -> None:
    answer = await http.post("/sign-in", data={"token": "rt_demo", "to": to})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


@pytest.mark.parametrize(
    ("token", "said"), [("nobody", "not known here"), ("wk_demo", "This is a write key"), ("", "not known here")]
)
async def test_a_wrong_token_is_told_as_such(http: httpx.AsyncClient, token: str, said: str) -> None:
    for answer in (
        await http.get(f"/metric/dau?token={token}&window=P7D"),
        await http.post("/sign-in", data={"token": token, "to": "/metric/dau?window=P7D"}),
    ):
        assert answer.status_code == 401
        assert 'role="alert"' in answer.text
        assert said in answer.text
        assert 'name="to" value="/metric/dau?window=P7D"' in answer.text
        assert "set-cookie" not in answer.headers
    assert 'role="alert"' not in (await http.get("/")).text, "no token at all is no mistake"


async def test_a_form_that_is_too_large_signs_nobody_in(http: httpx.AsyncClient) -> None:
    assert (await http.post("/sign-in", content=b"token=rt_demo&to=" + b"x" * 9000)).status_code == 401


@pytest.mark.parametrize(
    ("token", "code"),
    [("nobody", "unauthorized"), ("", "unauthorized"), ("rt_other2", "unauthorized"), ("wk_demo", "forbidden")],
)
@pytest.mark.parametrize("path", ["/v1/status", "/v1/stream?metrics=dau", "/v1/prometheus", "/v1/values?metrics=dau"])
async def test_a_wrong_bearer_is_refused_whatever_session_comes_with_it(
    http: httpx.AsyncClient, path: str, token: str, code: str
) -> None:
    await http.get("/?token=rt_demo")
    is_problem(await http.get(path, headers={"authorization": f"Bearer {token}"}), code)


async def test_the_password_of_a_proxy_in_front_does_not_hide_the_session(http: httpx.AsyncClient) -> None:
    await http.get("/?token=rt_demo")
    assert (await http.get("/v1/status", headers={"authorization": "Basic dTpw"})).status_code == 200


async def test_no_shared_cache_gives_an_answer_to_somebody_else(http: httpx.AsyncClient, app: FastAPI) -> None:
    included = [each.original_router.routes for each in app.routes if hasattr(each, "original_router")]
    paths = {route.path for routes in included for route in routes if "GET" in route.methods} - PUBLIC
    assert len(paths) > 100
    answered = {"/", "/v1/metrics", "/v1/status", "/v1/metrics/dau", "/v1/metrics/dau/explain"}
    assert answered < paths
    for path in paths:
        address = path.replace("{name}", "dau") + ("" if path in answered else "?colour=red")
        for headers in ({}, READ, {"origin": "https://board.example", **READ}):
            answer = await http.get(address, headers=headers)
            assert path not in answered or answer.status_code == (200 if headers else 401)
            assert answer.status_code < 500
            assert "private" in answer.headers["cache-control"], path
            assert {"Cookie", "Authorization"} <= set(answer.headers["vary"].split(", ")), path
            assert ("Origin" in answer.headers["vary"]) is ("origin" in headers and path.startswith("/v1")), path
    async with Reader(app, {"metrics": "dau"}, READ) as reader:
        await until(lambda: bool(reader.headers), 5)
        assert reader.headers["cache-control"] == "private, no-store"
        assert reader.headers["vary"] == "Cookie, Authorization"
