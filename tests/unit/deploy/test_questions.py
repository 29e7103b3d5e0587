"""What a service imports while it answers ends with it."""

from __future__ import annotations

import threading

from deploy.questions import REST, Rest


def importing() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == REST]


def test_a_stop_leaves_no_thread_that_would_import_later() -> None:
    rest = Rest()
    rest.begin()
    assert importing() == [REST]
    rest.end()
    assert importing() == []


def test_a_service_that_ends_before_it_has_answered_has_nothing_to_wait_for() -> None:
    Rest().end()
    assert importing() == []
