"""The promise under fire: what was acknowledged is counted exactly once, whatever is killed, starved or filled up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import kill9
from tests.faults.small_disk import SmallDisk
from tests.rotation import full, seed
from tests.service import Service

pytestmark = [pytest.mark.faults, pytest.mark.long]


def test_every_acknowledged_event_is_counted_exactly_once_through_kills_and_an_outage(tmp_path: Path) -> None:
    kills, outage = (12, 30.0) if full() else (2, 3.0)
    outcome = kill9.run(tmp_path, kills=kills, outage=outage, seed=seed())
    print(outcome.table())
    assert outcome.unanswered > 0, "nothing was put to the test"
    assert outcome.acknowledged > 100
    assert outcome.refused > 0
    assert outcome.violations == 0


def test_the_checker_finds_out_a_service_that_acknowledges_before_the_insert(tmp_path: Path) -> None:
    outcome = kill9.run(tmp_path, kills=2 if full() else 1, outage=0, seed=7, mutant=True)
    print(outcome.table())
    assert outcome.missing > 0


FAULTS = "faults"


@pytest.fixture(scope="module")
def small_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallDisk]:
    with SmallDisk(tmp_path_factory.mktemp("faults") / "small", 48) as disk:
        yield disk


@pytest.fixture(scope="module")
def service(small_disk: SmallDisk) -> Iterator[Service]:
    """On the small disk, with a store that refuses while the file of faults says so."""
    faults = small_disk.folder / FAULTS
    faults.write_text("")
    own = Service(
        small_disk.folder / "data",
        module="tests.faults.serve",
        arguments=(),
        environment={"SOJOURN_TEST_FAULTS": str(faults)},
    )
    own.start()
    yield own
    own.kill()


def test_an_outage_of_the_store_is_503_and_bounded(small_disk: SmallDisk, service: Service) -> None:
    faults = small_disk.folder / FAULTS
    faults.write_text("refuse")
    answer = service.send({"event": "x", "messageId": "1"})
    assert (answer.status_code, answer.json()["retryable"]) == (503, True)
    faults.write_text("")
    assert service.send({"event": "x", "messageId": "1"}).status_code == 202


def test_a_full_disk_is_503_and_the_service_goes_on_once_there_is_room(small_disk: SmallDisk, service: Service) -> None:
    if not small_disk.mounted:
        pytest.skip("no right to mount a file system")
    assert service.send({"event": "before", "messageId": "b"}).status_code == 202
    small_disk.fill()
    answer = service.send({"event": "during", "messageId": "d", "properties": {"x": "y" * 60_000}})
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.json()["code"] == "log_unavailable"
    small_disk.empty()
    assert service.send({"event": "after", "messageId": "a"}).status_code == 202
    assert service.process is not None
    assert service.process.poll() is None
