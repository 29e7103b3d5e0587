"""Retention tables that another product publishes, reproduced through HTTP to the number.

Source: PostHog's published retention suite, github.com/PostHog/posthog, posthog/queries/test/test_retention.py (as of
commit 01fd828, MIT licence): who did something when, and the triangle that its product answers. It fills periods that
are not over with zeros; here everything is asked for when all are over.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.store import ClickHouseStore
from tests.reference.harness import ask, feed, reader

pytestmark = pytest.mark.engine
LATER = "2026-12-01T00:00:00Z"
Acts = Iterable[tuple[str, str]]


def moment(day: int, hour: int = 5, month: int = 0) -> str:
    """The suite's clock: days and months after 10 June 2020."""
    first = datetime(2020 + (5 + month) // 12, (5 + month) % 12 + 1, 10, hour, tzinfo=UTC)
    return (first + timedelta(days=day)).strftime("%Y-%m-%dT%H:%M:%SZ")


def acts(person: str, *moments: str) -> list[tuple[str, str]]:
    return [(person, each) for each in moments]


def events(done: Acts, name: str = "page_viewed") -> list[dict[str, Any]]:
    return [
        {"messageId": f"{name} {person} {time}", "event": name, "timestamp": time, "userId": person}
        for person, time in done
    ]


DAYS = events(
    [
        *acts("person1", *(moment(day) for day in (0, 1, 2, 5, 6))),
        *acts("alias1", moment(5, 9)),
        *acts("person2", *(moment(day) for day in (1, 2, 3, 6))),
    ]
)
ALIAS = {
    "messageId": "alias",
    "event": "alias",
    "timestamp": moment(0, 1),
    "userId": "person1",
    "previousId": "alias1",
}
WEEKS = events(
    [
        *acts("person1", moment(0), moment(1), moment(7), moment(14), moment(-6, month=1), moment(1, month=1)),
        *acts("person2", moment(0), moment(1), moment(7), moment(-6, month=1), moment(1, month=1), moment(15, month=1)),
    ]
)
MONTHS = events(
    [
        *acts("person1", *(moment(0, month=month) for month in (-5, -4, -3, -1, 0, 3))),
        *acts("person2", *(moment(0, month=month) for month in (-5, -4, -3, 0, 1, 5))),
    ]
)
SEVERAL = [
    *events(
        [
            *acts("person1", *(moment(day) for day in range(4))),
            *acts("person2", *(moment(day) for day in range(4))),
            *acts("person3", moment(5)),
        ],
        "some_event",
    ),
    *events([*acts("person1", moment(5), moment(6)), *acts("person2", moment(5))]),
]
PUBLISHED: dict[str, tuple[list[dict[str, Any]], dict[str, str], str, list[list[int]]]] = {
    "by day": (
        [*DAYS, ALIAS],
        {"period": "day", "periods": "11", "from": "2020-06-10", "to": "2020-06-21"},
        "monday",
        [
            [1, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0],
            [2, 2, 1, 0, 1, 2, 0, 0, 0, 0],
            [2, 1, 0, 1, 2, 0, 0, 0, 0],
            [1, 0, 0, 1, 0, 0, 0, 0],
            [0, 0, 0, 0, 0, 0, 0],
            [1, 1, 0, 0, 0, 0],
            [2, 0, 0, 0, 0],
            [0, 0, 0, 0],
            [0, 0, 0],
            [0, 0],
            [0],
        ],
    ),
    "by week from Sunday": (
        WEEKS,
        {"period": "week", "periods": "7", "from": "2020-06-07", "to": "2020-07-26"},
        "sunday",
        [[2, 2, 1, 2, 2, 0, 1], [2, 1, 2, 2, 0, 1], [1, 1, 1, 0, 0], [2, 2, 0, 1], [2, 0, 1], [0, 0], [1]],
    ),
    "by month": (
        MONTHS,
        {"period": "month", "periods": "11", "from": "2020-01-01", "to": "2020-12-01"},
        "monday",
        [
            [2, 2, 2, 0, 1, 2, 1, 0, 1, 0, 1],
            [2, 2, 0, 1, 2, 1, 0, 1, 0, 1],
            [2, 0, 1, 2, 1, 0, 1, 0, 1],
            [0, 0, 0, 0, 0, 0, 0, 0],
            [1, 1, 0, 0, 1, 0, 0],
            [2, 1, 0, 1, 0, 1],
            [1, 0, 0, 0, 1],
            [0, 0, 0, 0],
            [1, 0, 0],
            [0, 0],
            [1],
        ],
    ),
    "by another event than that of the start": (
        SEVERAL,
        {
            "period": "day", "periods": "7", "from": "2020-06-10", "to": "2020-06-17",
            "start_event": "some_event", "return_event": "page_viewed",
        },
        "monday",
        [[2, 0, 0, 0, 0, 2, 1], [2, 0, 0, 0, 2, 1], [2, 0, 0, 2, 1], [2, 0, 2, 1], [0, 0, 0], [1, 0], [0]],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
async def test_the_published_table_comes_back(store: ClickHouseStore, tmp_path: Path, name: str) -> None:
    sent, query, week_start, table = PUBLISHED[name]
    await feed(store, [{"received_at": "2026-11-01T00:00:00Z", "events": sent}])
    async with reader(store, tmp_path, week_start=week_start) as client:
        body = json.loads(await ask(client, "retention", {**query, "tz": "UTC", "at": LATER}))
    assert body["status"] != "provisional"
    has_own_return = "return_event" in query
    found = [
        [row["size"] if has_own_return else row["retained"][0], *row["retained"][1 : len(expected)]]
        for row, expected in zip(body["cohorts"], table, strict=True)
    ]
    assert found == table
    assert all(row["size"] == expected[0] for row, expected in zip(body["cohorts"], table, strict=True))
