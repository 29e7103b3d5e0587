"""The demo against a running service: loaded once however often it runs, live until told, never among other events."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.service import READ_TOKEN, ROOT, TENANTS, WRITE_KEY, Service
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.long]
SMALL = ("--days", "4", "--members", "120")


Keys = tuple[str, str]
FIRST: Keys = (WRITE_KEY, READ_TOKEN)
SECOND: Keys = ("wk_second", "rt_second")
TWO = {"tenants": [*TENANTS["tenants"], {"id": "second", "write_keys": [SECOND[0]], "read_tokens": [SECOND[1]]}]}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    running = Service(tmp_path_factory.mktemp("demo") / "data", tenants=TWO)
    running.start()
    yield running
    running.kill()


def command(service: Service, keys: Keys, *arguments: str) -> list[str]:
    given = ("--url", service.url, "--write-key", keys[0], "--read-token", keys[1])
    return [sys.executable, "-m", "deploy.cli", "demo", *given, *SMALL, *arguments]


def demo(service: Service, *arguments: str, keys: Keys = FIRST) -> subprocess.CompletedProcess[str]:
    asked = command(service, keys, "--once", *arguments)
    return subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def first(service: Service) -> subprocess.CompletedProcess[str]:
    """The demo that has filled the first tenant."""
    return demo(service)


def stored(service: Service, keys: Keys = FIRST) -> dict[str, int]:
    """How many events there are of each local date, up to yesterday, as nothing new is dated then."""
    today = datetime.now(UTC).date()
    found = {}
    for ago in range(-1, 6):
        day = today - timedelta(days=ago)
        span = {"from": f"{day}", "to": f"{day + timedelta(days=1)}"}
        found[f"{day}"] = int(service.metric("event_count", keys[1], **span)["value"])
    return found


def test_a_demo_that_runs_again_loads_nothing_twice(service: Service, first: subprocess.CompletedProcess[str]) -> None:
    assert first.returncode == 0, first.stderr
    assert f"page: {service.url}/ " in first.stdout
    assert READ_TOKEN not in first.stdout + first.stderr, "what it prints ends in logs"
    assert "refused" not in first.stdout
    before = stored(service)
    assert sum(before.values()) > 200
    again = demo(service)
    assert again.returncode == 0, again.stderr
    assert "the history was loaded before" in again.stdout
    after = stored(service)
    today = [f"{datetime.now(UTC).date() + timedelta(days=ahead)}" for ahead in (0, 1)]
    assert {day: n for day, n in before.items() if day not in today} == {
        day: n for day, n in after.items() if day not in today
    }
    assert all(before[day] <= after[day] <= before[day] + 20 for day in today), "of today a minute is added at most"


def test_a_tenant_with_events_of_its_own_is_left_alone_unless_asked(service: Service) -> None:
    own = {"event": "page", "messageId": "own", "anonymousId": "a"}
    assert service.send(own, Authorization=f"Bearer {SECOND[0]}").status_code == 202
    refused = demo(service, keys=SECOND)
    assert refused.returncode == 2
    assert "the tenant has 1 events of its own" in refused.stderr
    assert sum(stored(service, SECOND).values()) <= 1
    assert demo(service, "--force", keys=SECOND).returncode == 0
    assert sum(stored(service, SECOND).values()) > 200


def test_one_world_is_enough(service: Service, first: subprocess.CompletedProcess[str]) -> None:
    assert first.returncode == 0
    other = demo(service, "--seed", "2")
    assert other.returncode == 2
    assert "the demo of another seed than 2" in other.stderr


def test_live_traffic_ends_well_when_told_to(service: Service, first: subprocess.CompletedProcess[str]) -> None:
    assert first.returncode == 0
    for number in (signal.SIGTERM, signal.SIGINT):
        with subprocess.Popen(
            command(service, FIRST, "--rate", "20"),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as live:
            assert live.stdout is not None
            for line in live.stdout:
                if "page:" in line:
                    break
            live.send_signal(number)
            rest = live.stdout.read()
            assert live.wait(20) == 0, rest
            assert rest == ""


def test_a_key_that_is_not_known_is_said_with_exit_code_2(service: Service) -> None:
    refused = demo(service, keys=(WRITE_KEY, "rt_of_nobody"))
    assert refused.returncode == 2
    assert "does not know the key (401)" in refused.stderr


async def test_beside_the_service_it_fills_the_first_tenant_moves_its_numbers_and_ends_with_it(tmp_path: Path) -> None:
    service = Service(tmp_path / "data", environment={"DEMO": "1"})
    process = service.spawn()
    try:
        await until(lambda: "numbers move" in service.output, 90)

        def count() -> int:
            at = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
            return int(service.metric("event_count", window="PT1H", at=at)["value"])

        then = count()
        await until(lambda: count() > then, 60)
        asked = ["ps", "-o", "args=", "--ppid", str(process.pid)]
        children = subprocess.run(asked, capture_output=True, text=True, check=True).stdout  # noqa: ASYNC221 -- short
        assert "deploy.cli demo" in children
        assert not re.search(r"wk_|rt_", children), "no key is an argument"
        assert service.terminate(30) == 0
        assert "Traceback" not in service.output
        assert "sojourn:" not in service.output
    finally:
        service.kill()
