"""What is logged of refused requests: enough to find a mistyped key, never enough to fill a disk."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from deploy.refused import Refused
from ingest.http import Request
from tests.unit.deploy.running import EVENT, KEY, post, running


def get(path: str) -> Request:
    return Request("GET", path, {}, {})


def test_the_same_refusal_is_logged_once_a_minute() -> None:
    refused = Refused()
    told = {"x-write-key": "wk_mistyped_key", "origin": "https://shop.example"}
    written = [list(refused.lines(401, Request("POST", "/v1/batch", told, {}), now)) for now in (0.0, 1.0, 59.0, 61.0)]
    assert [len(each) for each in written] == [1, 0, 0, 1]
    assert written[0] == ["POST '/v1/batch' was answered 401: key 'wk_mi'…, origin 'https://shop.example'"]


@pytest.mark.parametrize("part", ["status", "path", "key", "origin"])
def test_each_reason_path_key_and_origin_has_a_line(part: str) -> None:
    refused, lines = Refused(), 0
    for other in (False, True):
        status = 403 if other and part == "status" else 401
        path = "/v1/b" if other and part == "path" else "/v1/a"
        told = {"x-write-key": "xk_" if other and part == "key" else "wk_"}
        told["origin"] = "https://b" if other and part == "origin" else "https://a"
        lines += len(list(refused.lines(status, Request("POST", path, told, {}), 0.0)))
    assert lines == 2


def test_whoever_asks_for_everything_fills_no_disk() -> None:
    refused = Refused()
    lines = [line for n in range(5000) for line in refused.lines(404, get(f"/{n}" + "x" * 9000), 1.0)]
    assert len(lines) <= 40
    assert max(map(len, lines)) < 500
    (later, _) = refused.lines(404, get("/"), 100.0)
    assert later.startswith(f"{5000 - len(lines)} more")


def test_a_line_break_in_a_path_is_no_line_of_its_own() -> None:
    (line,) = Refused().lines(404, Request("GET", "/a\nERROR all is lost", {"origin": "x\ny"}, {}), 0.0)
    assert "\n" not in line


@pytest.mark.parametrize("direct", [True, False])
async def test_a_refused_request_is_logged_and_a_good_one_is_not(
    tmp_path: Path, direct: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "deploy.observe")
    async with running(tmp_path, direct=direct) as here:
        for request in (post(EVENT, KEY), post(EVENT, "X-Write-Key: wk_wrong_one"), post(EVENT, path="/v1/nothing")):
            await here.ask(request)
    assert [record.getMessage() for record in caplog.records if record.name == "deploy.observe"] == [
        "POST '/v1/events' was answered 401: key 'wk_w'…",
        "POST '/v1/nothing' was answered 404: no key in its headers or address",
    ]
