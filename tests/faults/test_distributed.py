"""Every fault once, in short; and the run finds out who breaks a promise (`make faults`: five times, at length)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.distributed import FAULTS, run, table

pytestmark = [pytest.mark.faults, pytest.mark.kafka]
# Once is not always at the right moment: what a fault should have caused is held against it only in the long run.
CAUSES = ("no requests without", "no 503", "no events delivered")


async def test_nothing_is_lost_and_nothing_counted_twice_whatever_dies(tmp_path: Path) -> None:
    results = await run(tmp_path, list(FAULTS), times=1, short=True, seed=20261125)
    print(table(results))
    wrong = [(each.fault.name, told) for each in results for told in each.complaints() if not told.startswith(CAUSES)]
    assert not wrong
    assert sum(each.outcome.unanswered for each in results) > 0
    assert sum(each.redelivered for each in results) > 0
    assert all(each.outcome.acknowledged > 0 for each in results)


@pytest.mark.parametrize(
    ("mutant", "fault", "complaint"),
    [
        ("commit-first", "kill_both_workers", "violations"),
        ("drop-fold", "kill_query", "violations"),
        ("no-flush", "terminate_everything", "unexpectedly events delivered again"),
        ("no-idempotence", "lose_produce_answers", "frames stand in the log twice"),
    ],
)
async def test_who_breaks_a_promise_is_found_out(tmp_path: Path, mutant: str, fault: str, complaint: str) -> None:
    (result,) = await run(tmp_path, [fault], times=2, short=True, seed=7, mutant=mutant)
    print(table([result]))
    assert any(complaint in told for told in result.complaints()), result.complaints()
