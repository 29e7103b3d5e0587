"""A tenant's answers while strangers do what they can (the whole of it: `python -m tests.faults.strangers`)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import strangers

pytestmark = [pytest.mark.faults, pytest.mark.long]


def test_silent_slow_and_endless_strangers_do_not_hold_up_a_tenant(tmp_path: Path) -> None:
    outcome = strangers.run(tmp_path, silent=600, slow=100, seconds=14.0)
    print(outcome)
    assert outcome.under_fire.failed == 0
    # The half of a second is for a machine that does other work; alone the 99th percentile is 5 ms.
    assert outcome.under_fire.p99_ms < outcome.alone.p99_ms * 3 + 500
    assert outcome.under_fire.server_cpu < 0.6
    assert outcome.strangers["closed"] >= 600, "silent connections are closed after ten seconds"
    assert outcome.strangers["longest_wait"] < 30
