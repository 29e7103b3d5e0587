"""The one-process mode as a person runs it: a real process, real HTTP, a data folder that outlives it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import re
import shlex
import stat
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from segment.analytics.client import Client as Segment

from tests.rotation import some
from tests.service import READ_TOKEN, TENANTS, WRITE_KEY, ZENDESK_SECRET, Service

pytestmark = [pytest.mark.e2e, pytest.mark.long]


TWO = {"tenants": [TENANTS["tenants"][0], {"id": "second", "write_keys": ["wk_second"], "read_tokens": ["rt_second"]}]}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """For all tests: each leaves it running and counts only what is its own."""
    running = Service(tmp_path_factory.mktemp("shared") / "data", tenants=TWO)
    running.start()
    yield running
    running.kill()


def counted(service: Service, name: str) -> int:
    """How many events of this name were counted in the last hour and the next minute."""
    at = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    body = service.metric("event_count", window="PT1H", at=at, segment="event", limit="1000")
    return sum(int(cell["value"]) for cell in body["segments"] if cell["segment"]["event"] == name)


def test_an_event_that_was_sent_is_counted_at_once(shared: Service) -> None:
    answer = shared.send({"event": "e2e_seen", "messageId": "e2e-1", "anonymousId": "a1"})
    assert (answer.status_code, answer.json()["accepted"]) == (202, 1)
    assert counted(shared, "e2e_seen") == 1
    shared.send({"event": "e2e_seen", "messageId": "e2e-1", "anonymousId": "a1"})
    assert counted(shared, "e2e_seen") == 1


def test_an_unchanged_segment_client_with_only_its_host_set_is_counted(shared: Service) -> None:
    client = Segment(WRITE_KEY, host=shared.url, sync_mode=False, max_retries=1)
    for number in range(25):
        client.track(user_id=f"u{number}", event="Segment Seen", properties={"number": number})
    client.identify(user_id="u1", traits={"plan": "pro"})
    client.flush()
    client.join()
    assert counted(shared, "segment_seen") == 25


def zendesk(secret: str) -> tuple[bytes, dict[str, str]]:
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    body = json.dumps(
        {
            "id": "01HZENDESK",
            "type": "zen:event-type:ticket.created",
            "account_id": 1,
            "time": now,
            "zendesk_event_version": "2022-11-06",
            "subject": "zen:ticket:4711",
            "detail": {
                "id": "4711",
                "status": "NEW",
                "priority": "HIGH",
                "requester_id": "99",
                "created_at": now,
                "via": {"channel": "email"},
            },
            "event": {},
        }
    ).encode()
    signature = base64.b64encode(hmac.new(secret.encode(), now.encode() + body, hashlib.sha256).digest()).decode()
    return body, {
        "Content-Type": "application/json",
        "X-Zendesk-Webhook-Signature": signature,
        "X-Zendesk-Webhook-Signature-Timestamp": now,
    }


def test_a_signed_webhook_is_counted_and_one_with_another_secret_is_not(shared: Service) -> None:
    before = counted(shared, "ticket_created")
    body, headers = zendesk("another secret")
    refused = httpx.post(f"{shared.url}/v1/webhooks/zendesk/zd1", content=body, headers=headers)
    assert refused.status_code == 401
    assert counted(shared, "ticket_created") == before
    body, headers = zendesk(ZENDESK_SECRET)
    taken = httpx.post(f"{shared.url}/v1/webhooks/zendesk/zd1", content=body, headers=headers)
    assert taken.is_success, taken.text
    assert counted(shared, "ticket_created") == before + 1


def test_every_probe_and_the_signals_answer(shared: Service) -> None:
    shared.send({"event": "e2e_signal"})
    for path in ("/healthz", "/readyz", "/openapi.json", "/docs"):
        assert httpx.get(shared.url + path).status_code == 200, path
    text = httpx.get(shared.url + "/metrics").text
    assert re.search(r'^sojourn_http_requests_total\{status="202"\} [1-9]', text, re.MULTILINE)
    assert re.search(r"^sojourn_events_accepted_total [1-9]", text, re.MULTILINE)


def test_an_event_can_be_traced_from_its_request_to_the_rows_that_it_made(shared: Service) -> None:
    cart = {
        "event": "Product Added",
        "messageId": "traced",
        "userId": "u-traced",
        "properties": {"cart_id": "c-traced"},
    }
    answer = shared.send(cart, **{"X-Request-Id": "my-request-1"})
    assert answer.headers["x-request-id"] == "my-request-1"
    at = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    (row,) = shared.metric("cart_abandonment_rate/explain", window="PT1H", at=at, id="c-traced")["rows"]
    assert {"my-request-1"} == {each["request_id"] for each in row["story"] if each["event_id"]}
    assert "cart opened" in [each["what"] for each in row["story"]]
    made = shared.send({"event": "e2e_traced"}).headers["x-request-id"]
    refused = shared.send([{"event": "Order Completed", "messageId": "traced-2"}])
    assert refused.status_code == 422
    assert made != refused.headers["x-request-id"]


def test_one_document_describes_both_sides(shared: Service) -> None:
    paths = httpx.get(shared.url + "/openapi.json").json()["paths"]
    assert {"/v1/events", "/v1/metrics/event_count", "/healthz"} <= paths.keys()


def test_a_second_process_on_the_same_folder_is_refused_in_one_clear_line(shared: Service) -> None:
    second = Service(shared.folder, tenants=None)
    second.starts = 90
    assert second.spawn().wait(60) == 2
    assert shared.process is not None
    (line,) = second.output.strip().splitlines()
    assert f"in use by process {shared.process.pid}" in line
    assert httpx.get(shared.url + "/readyz").status_code == 200


def test_a_port_in_use_is_one_clear_line(shared: Service, tmp_path: Path) -> None:
    second = Service(tmp_path / "data", environment={"SOJOURN_PORT": str(shared.port)})
    assert second.spawn().wait(60) == 2
    (line,) = second.output.strip().splitlines()
    assert "SOJOURN_PORT" in line


BROKEN = ["{", '{"tenants": 1}', '{"tenants": [{"id": "a", "timezone": "Mars/Base"}]}']


# What is wrong in each is said by tests/unit/schemas/test_tenants_file.py; here, that it ends a start.
@pytest.mark.parametrize("text", some(BROKEN, 1, "broken tenants files"))
def test_a_broken_tenants_file_is_one_clear_line(tmp_path: Path, text: str) -> None:
    broken = Service(tmp_path / "data", tenants=None)
    (tmp_path / "data/tenants.json").write_text(text)
    assert broken.spawn().wait(60) == 2
    (line,) = broken.output.strip().splitlines()
    assert "tenants.json" in line


def test_the_first_start_makes_keys_and_what_it_prints_works_as_pasted(tmp_path: Path) -> None:
    first = Service(tmp_path / "data", tenants=None)
    first.start()
    try:
        link = re.search(r"http://\S+/\?token=\S+", first.output)
        assert link, first.output
        commands = [line.strip() for line in first.output.splitlines() if line.strip().startswith("curl ")]
        assert len(commands) == 2, first.output
        answers = [subprocess.run(shlex.split(c), capture_output=True, check=True).stdout for c in commands]
        assert json.loads(answers[0])["accepted"] == 1
        assert json.loads(answers[1])["value"] == 1
        again = Service(tmp_path / "data", tenants=None)
        assert first.terminate() == 0
        again.starts = 50
        again.start()
        (tenant,) = json.loads((tmp_path / "data/tenants.json").read_text())["tenants"]
        secrets = [*tenant["write_keys"], *tenant["read_tokens"], *tenant["sources"][0]["secrets"]]
        assert all(secret in first.output for secret in secrets)
        assert not any(secret in again.output for secret in secrets)
        open_to_others = [path for path in (tmp_path / "data").rglob("*") if path.stat().st_mode & 0o077]
        assert all(path.name.startswith("output.") for path in open_to_others), "the test's own"
        assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
        again.kill()
    finally:
        first.kill()


def numbers_of_before(service: Service, question: dict[str, str]) -> dict[str, Any]:
    """Of the second tenant, which only the test of a restart sends to."""
    return {name: service.metric(name, "rt_second", **question)["value"] for name in ("event_count", "dau")}


def test_a_restart_answers_every_request_in_flight_keeps_it_and_gives_the_same_numbers(shared: Service) -> None:
    events = [{"event": "e2e_kept", "messageId": f"k{n}", "userId": f"u{n}"} for n in range(50)]
    assert shared.send({"events": events}, Authorization="Bearer wk_second").status_code == 202
    question = {"window": "P1D", "at": (datetime.now(UTC) + timedelta(minutes=1)).isoformat()}
    before = numbers_of_before(shared, question)
    assert before == {"event_count": 50, "dau": 50}

    async def load() -> list[int]:
        async with httpx.AsyncClient(base_url=shared.url, timeout=20.0) as http:
            headers = {"Authorization": f"Bearer {WRITE_KEY}"}

            async def one(number: int) -> int:
                body = {"event": "e2e_drained", "messageId": f"d{number}"}
                try:
                    return (await http.post("/v1/events", json=body, headers=headers)).status_code
                except (httpx.ConnectError, httpx.ReadError):
                    return 0  # a slow machine: nobody had read this one when the service was told to stop

            await one(0)
            flying = [asyncio.create_task(one(number)) for number in range(1, 60)]
            await asyncio.sleep(0.05)  # all are sent, few are answered: an insert takes longer
            assert shared.process is not None
            shared.process.terminate()
            return [202, *filter(None, await asyncio.gather(*flying))]

    statuses = asyncio.run(load())
    assert shared.process is not None
    assert shared.process.wait(60) == 0
    assert set(statuses) == {202}
    assert len(statuses) > 20
    shared.start()
    assert counted(shared, "e2e_drained") == len(statuses)
    assert numbers_of_before(shared, question) == before


def test_new_keys_in_the_tenants_file_work_within_seconds(shared: Service) -> None:
    changed: dict[str, Any] = json.loads(json.dumps(TWO))
    changed["tenants"][0]["write_keys"].append("wk_new")
    assert shared.send({"event": "x"}, Authorization="Bearer wk_new").status_code == 401
    (shared.folder / "tenants.json").write_text(json.dumps(changed))
    deadline = time.monotonic() + 6
    while shared.send({"event": "x"}, Authorization="Bearer wk_new").status_code == 401:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_the_wrong_kind_of_key_is_forbidden(shared: Service) -> None:
    assert shared.send({"event": "x"}, Authorization=f"Bearer {READ_TOKEN}").status_code == 403
    reading = httpx.get(shared.url + "/v1/metrics", headers={"Authorization": f"Bearer {WRITE_KEY}"})
    assert reading.status_code == 403
