"""Rows that a table has lost are noticed at the next start, said where people look, and made again from the archive."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from deploy.looking import GLANCE_SECONDS
from schemas.tables import LEDGER, MARKS, REBUILDS
from tests.faults.damage import ALIVE, KINDS, change_bytes, largest_part, parts
from tests.rotation import some
from tests.service import READ_TOKEN, ROOT, Service

pytestmark = [pytest.mark.faults, pytest.mark.long]
ORDERS = 200
READING = {"authorization": f"Bearer {READ_TOKEN}"}
WINDOW = {"from": "2026-11-01", "to": "2026-11-08", "at": "2026-11-20T00:00:00Z"}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    own = Service(tmp_path_factory.mktemp("damage") / "data")
    own.start(150)
    for day in (2, 3, 4):
        orders = [
            {
                "event": "Order Completed",
                "messageId": f"o{day}-{n}",
                "timestamp": f"2026-11-0{day}T10:00:00Z",
                "userId": f"u{n}",
                "properties": {"order_id": f"o{day}-{n}", "total": 1},
            }
            for n in range(ORDERS)
        ]
        own.send([*orders, {"event": "Order Completed", "messageId": f"bad{day}"}])
    own.terminate()
    yield own
    own.kill()


def _check(service: Service, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "deploy.cli", "check", *arguments],
        cwd=ROOT, env=service.environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def _damaged_start(service: Service, table: str, kind: str) -> dict[str, Any]:
    """What is said right after the start that follows the damage."""
    KINDS[kind](largest_part(service.folder / "store", table))
    service.start(150)
    ready = httpx.get(service.url + "/readyz").json()
    return {"ready": ready, "status": service.metric("../status"), "log": service.output}


@pytest.mark.parametrize("kind", some(list(KINDS), 1, "kinds of damage of a fact"))
def test_a_damaged_fact_is_made_again_and_its_answers_say_so_until_then(service: Service, kind: str) -> None:
    told = _damaged_start(service, "orders", kind)
    first = service.metric("orders", **WINDOW)
    deadline = time.monotonic() + 60
    while service.metric("orders", **WINDOW)["warnings"] != [] and time.monotonic() < deadline:
        time.sleep(0.2)
    last = service.metric("orders", **WINDOW)
    after = httpx.get(service.url + "/readyz").json()
    service.terminate()
    assert "rows were lost: table orders" in told["log"]
    assert "made again from the archive: orders" in service.output
    assert (first["warnings"], first["status"]) == (["facts_incomplete"], "provisional") or first["value"] == 3 * ORDERS
    assert (last["value"], last["warnings"], after) == (3 * ORDERS, [], {"status": "ready"})


READ_BY_A_START = [LEDGER.name, MARKS.name, REBUILDS.name]


@pytest.mark.parametrize("table", some(READ_BY_A_START, 1, "tables that a start reads"))
def test_a_start_does_not_fail_because_a_byte_has_changed_in_what_it_reads(service: Service, table: str) -> None:
    for part in parts(service.folder / "store", table):
        change_bytes(part)
    service.start(150)
    orders = service.metric("orders", **WINDOW)
    service.terminate()
    assert (orders["value"], orders["warnings"]) == (3 * ORDERS, [])
    assert f"of table {table} is set aside" in service.output


@pytest.mark.parametrize("kind", some(list(ALIVE), 1, "kinds of damage of a fact while it is served"))
def test_a_fact_that_is_damaged_while_it_is_served_is_made_again_after_the_first_question(
    service: Service, kind: str
) -> None:
    service.start(150)
    time.sleep(GLANCE_SECONDS + 1)  # the glance that knows the service as it was
    for part in parts(service.folder / "store", "orders"):
        ALIVE[kind](part)
    began, answered = time.monotonic(), []
    while time.monotonic() - began < 60:
        response = httpx.get(service.url + "/v1/metrics/orders", params=WINDOW, headers=READING, timeout=60)
        body = response.json()
        answered.append((time.monotonic() - began, response.status_code, body))
        if response.status_code == 200 and body["value"] == 3 * ORDERS and not body["warnings"]:
            break
        time.sleep(0.2)
    service.terminate()
    wrong = [
        body for _, status, body in answered if status == 200 and body["value"] < 3 * ORDERS and not body["warnings"]
    ]
    assert answered[0][1] == 503, answered[0]
    assert wrong == []
    assert next(at for at, status, _ in answered if status == 200) < 10, answered
    assert answered[-1][2]["value"] == 3 * ORDERS
    assert "made again from the archive: orders" in service.output


@pytest.mark.parametrize("kind", some(list(KINDS), 1, "kinds of damage of the archive"))
def test_a_damaged_archive_is_reported_with_its_times_until_somebody_accepts_it(service: Service, kind: str) -> None:
    told = _damaged_start(service, "events", kind)
    answer = service.metric("event_count", **WINDOW)
    elsewhere = service.metric("event_count", **{**WINDOW, "from": "2026-11-18", "to": "2026-11-19"})
    orders = service.metric("orders", **WINDOW)
    service.terminate()
    (loss,) = told["status"]["damages"]
    assert (loss["table"], loss["from"][:7], loss["to"][:7]) == ("events", "2026-11", "2026-11")
    assert loss["rows"]
    assert len(told["ready"]["damages"]) == 1
    assert "rows were lost: table events" in told["log"]
    assert answer["warnings"] == ["events_lost"]
    assert answer["value"] < 3 * ORDERS
    assert elsewhere["warnings"] == []
    assert (orders["value"], orders["warnings"]) == (3 * ORDERS, [])
    code, text = _check(service)
    assert (code, "table events: part" in text) == (1, True), text
    assert _check(service, "--accept")[0] == 0
    assert _check(service) == (0, "no table has lost rows\n")


@pytest.mark.parametrize("kind", some(list(KINDS), 1, "kinds of damage of dead letters"))
def test_damaged_dead_letters_are_reported_and_no_answer_is_marked(service: Service, kind: str) -> None:
    told = _damaged_start(service, "dead_letters", kind)
    orders = service.metric("orders", **WINDOW)
    service.terminate()
    assert "table dead_letters: part" in told["ready"]["damages"][0]
    assert orders["warnings"] == []
    code, text = _check(service, "--accept")
    assert (code, "table dead_letters: part" in text) == (0, True), text
