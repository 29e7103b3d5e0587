"""The three services under faults, on one cluster: a usual run draws some and once in short, a full run does every one
five times and at length; and the comparison finds out services that break a promise.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from tests.faults.distributed import FAULTS, Field, Result, fill_the_disk, strike, table, under_fire
from tests.rotation import full, seed, some
from tests.tables import TABLE

pytestmark = [pytest.mark.faults, pytest.mark.kafka, pytest.mark.long, pytest.mark.asyncio(loop_scope="module")]
ALWAYS = ["kill_ingest", "kill_both_workers"]
"""The two that leave requests without an answer and have events delivered again, each time that they happen."""
DRAWN = [*ALWAYS, *some([name for name in FAULTS if name not in ALWAYS], 1, "faults")]
MUTANTS = [
    ("commit-first", "kill_both_workers", "violations"),
    ("drop-fold", "kill_query", "violations"),
    ("no-flush", "terminate_everything", "unexpectedly events delivered again"),
    ("no-idempotence", "lose_produce_answers", "frames stand in the log twice"),
]
# Once is not always at the right moment: what a fault should have caused is held against it only in the long run.
CAUSES = () if full() else ("no requests without", "no 503", "no events delivered")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Field]:
    async with under_fire(tmp_path_factory.mktemp("faults"), short=not full(), seed=seed()) as field:
        yield field


@pytest.fixture(scope="module")
def results() -> list[Result]:
    return []


@pytest.mark.parametrize("name", DRAWN)
async def test_nothing_is_lost_and_nothing_counted_twice_whatever_fails(
    place: Field, results: list[Result], name: str, record_property: Callable[[str, object], None]
) -> None:
    if name == fill_the_disk.__name__ and not place.disk.mounted:
        pytest.skip("no right to mount a file system")
    result = await strike(place, FAULTS[name], times=5 if full() else 1)
    results.append(result)
    record_property(TABLE, table([result]))
    wrong = [told for told in result.complaints() if not (CAUSES and told.startswith(CAUSES))]
    assert not wrong, table([result])
    assert result.outcome.acknowledged > 0


async def test_something_was_put_to_the_test(results: list[Result]) -> None:
    done = {each.fault for each in results}
    if not done.issuperset(FAULTS[name] for name in ALWAYS):
        pytest.skip("the faults that this is about were not chosen")
    unanswered = sum(each.outcome.unanswered for each in results)
    redelivered = sum(each.redelivered for each in results)
    assert unanswered + redelivered > 0
    # A single strike may fall between two requests, or between two batches.
    assert not full() or min(unanswered, redelivered) > 0


@pytest.mark.parametrize(("mutant", "fault", "complaint"), some(MUTANTS, 1, "mutants"))
async def test_a_service_that_breaks_a_promise_is_found_out(
    place: Field, mutant: str, fault: str, complaint: str
) -> None:
    complaints: list[str] = []
    for _ in range(3):  # once is not always at the right moment
        result = await strike(place, FAULTS[fault], 1, mutant)
        print(table([result]))
        complaints += result.complaints()
        if any(complaint in told for told in complaints):
            return
    pytest.fail(f"not found out: {complaints}")
