"""Log records as JSON lines, and the id that leads from them to a request and to its rows."""

from __future__ import annotations

import json
import logging
import sys

import httpx
import pytest
from fastapi import FastAPI

from deploy.logs import JsonLines, Lines
from deploy.observe import Counting
from schemas.tracing import CURRENT, RequestIds


def record(message: str, *, failed: bool = False) -> logging.LogRecord:
    error = None
    if failed:
        try:
            int("line\nbreak")
        except ValueError:
            error = sys.exc_info()
    return logging.LogRecord("part", logging.WARNING, "file.py", 1, message, None, error)


def test_a_record_is_one_line_of_json_whatever_is_in_it() -> None:
    text = JsonLines("ingest").format(record('a "quoted"\nmessage', failed=True))
    assert "\n" not in text
    told = json.loads(text)
    assert (told["level"], told["service"], told["logger"]) == ("WARNING", "ingest", "part")
    assert told["message"] == 'a "quoted"\nmessage'
    assert "ValueError" in told["exception"]
    assert told["time"].endswith("Z")
    assert "request_id" not in told


def test_a_record_names_the_request_that_was_being_answered() -> None:
    token = CURRENT.set("r-1")
    try:
        assert json.loads(JsonLines("query").format(record("x")))["request_id"] == "r-1"
        assert Lines("query").format(record("x")).endswith("query part: x [r-1]")
    finally:
        CURRENT.reset(token)


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "line\nbreak", "ä", "-dash"])
def test_an_id_that_is_no_plain_word_is_replaced(given: str) -> None:
    ids = RequestIds("p")
    assert ids.of(given) == "p-00000001"
    assert ids.of(given) == "p-00000002"


def test_a_plain_id_of_the_caller_is_kept() -> None:
    assert RequestIds().of("4bf92f35-77b3-4da6:a") == "4bf92f35-77b3-4da6:a"


async def test_every_answer_names_the_request_and_a_failure_is_logged_under_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = FastAPI()

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError

    transport = httpx.ASGITransport(Counting(app), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        assert (await http.get("/nothing", headers={"X-Request-Id": "mine"})).headers["x-request-id"] == "mine"
        made = [(await http.get("/nothing")).headers["x-request-id"] for _ in range(2)]
        assert len(set(made)) == 2
        for _ in range(3):
            assert (await http.get("/broken")).status_code == 500
    refused, *failed = [each.getMessage() for each in caplog.records if each.name == "deploy.observe"]
    assert refused.startswith("GET '/nothing' was answered 404")
    assert len(failed) == 1, "of many failures only one a second is told"
    assert failed[0].startswith("GET /broken answered 500 after ")
