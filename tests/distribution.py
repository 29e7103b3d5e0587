"""Spreads a run over workers (`pytest -n 2 --no-loadscope-reorder`, as make does) without breaking up a file.

A file's tests share what its fixtures opened, so each file goes to one worker. Everything with a Kafka is one group
over all files: one worker holds the broker and the cluster of the run, and what kills and starves never runs at the
same time as another of its kind. That group is the longest and goes first; the fast tests go last and fill the gaps.

xdist 3.8 passes groups on in the ids of tests, which pytest 9.2 does not let it change any more; so the workers write
the ids of the group down, and the scheduler reads them.
"""

from __future__ import annotations

import json
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest

KAFKA = "kafka"
FIXTURES = {"kafka", "native_broker", "broker", "cluster", "shared_cluster"}
"""A test that asks for one of these runs on a real Kafka."""
TIERS = (KAFKA, "faults", "browser", "e2e", "engine")
"""Markers in the order of what their tests cost; a test has the first of its markers, or is fast."""
FAST = "fast"
INPUT = "group_folder"


def tier(item: pytest.Item) -> str:
    """What kind of test it is."""
    return next((each for each in TIERS if item.get_closest_marker(each) is not None), FAST)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark and order; before `-m` chooses."""
    order = [*TIERS, FAST]
    ranks: dict[str, int] = {}
    for item in items:
        if FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(KAFKA)
        kind = tier(item)
        item.user_properties.append(("tier", kind))
        if kind != KAFKA:
            ranks[_file(item.nodeid)] = min(order.index(kind), ranks.get(_file(item.nodeid), len(order)))
    items.sort(key=lambda item: 0 if tier(item) == KAFKA else ranks[_file(item.nodeid)])


def _file(nodeid: str) -> str:
    return nodeid.split("::", maxsplit=1)[0]


@cache
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="test-groups-"))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput[INPUT] = str(_folder())


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Each worker writes down which of the tests are the group, before xdist says that it has collected."""
    given: dict[str, Any] = getattr(session.config, "workerinput", {})
    if INPUT in given:
        grouped = [item.nodeid for item in session.items if tier(item) == KAFKA]
        (Path(given[INPUT]) / given["workerid"]).write_text(json.dumps(grouped))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A unit of work is the group, else a file."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):  # type: ignore[misc]
        grouped: frozenset[str] | None = None

        def _split_scope(self, nodeid: str) -> str:
            if self.grouped is None:  # all workers have collected
                written = next(_folder().iterdir())
                self.grouped = frozenset(json.loads(written.read_text()))
            return KAFKA if nodeid in self.grouped else _file(nodeid)

    return ByFile(config, log)


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput") and _folder.cache_info().currsize:
        for written in _folder().iterdir():
            written.unlink()
        _folder().rmdir()
