"""The published values of a tenant as Prometheus' text: what `/v1/prometheus` tells, and under which names.

Only what stands in `metric_points` is told, nothing is computed: a scrape is one query. A number that is not there, or
not shown because too few units are behind it, has no sample. Metrics that the registry no longer has are left out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from schemas.metrics import METRICS
from schemas.ports import Store
from schemas.signals import Reading, Signal, prometheus

PATH = "/v1/prometheus"
_LABELS = ("metric", "window", "dimension", "segment")
_OF = "(ISO 8601 window that ends now; dimension and segment are empty for the total, the segment alone for unknown)"
VALUE = Signal("sojourn_value", "gauge", f"The metric's value {_OF}.", _LABELS)
LOW = Signal("sojourn_value_low", "gauge", "Lower limit of its interval.", _LABELS)
HIGH = Signal("sojourn_value_high", "gauge", "Upper limit of its interval.", _LABELS)
UNITS = Signal("sojourn_value_units", "gauge", "How many units are behind it (n).", _LABELS)
MATURITY = Signal("sojourn_value_maturity", "gauge", "Share of them whose outcome is settled.", _LABELS)
VERSION = Signal(
    "sojourn_value_version_seconds",
    "gauge",
    "Receipt time up to which all was counted when these values were computed (Unix time).",
    _LABELS[:3],
)
VALUES: tuple[Signal, ...] = (VALUE, LOW, HIGH, UNITS, MATURITY, VERSION)
DESCRIPTION = """Of every metric the last hour, day, 7 and 28 days, in total and by each dimension, as they were last
published: nothing is computed for this. A number that is not there or not shown has no sample.

""" + "\n".join(f"- `{signal.name}{{{','.join(signal.labels)}}}`: {signal.meaning}" for signal in VALUES)

_NEWEST = """SELECT metric, window, cut, max(version), argMax(body, version) FROM metric_points
WHERE tenant = {tenant:String} AND end = 0 GROUP BY metric, window, cut ORDER BY metric, window, cut"""


class _Limits(msgspec.Struct):
    low: float | None
    high: float | None


class _Number(msgspec.Struct):
    """What is read of an answer, or of one of its segments."""

    value: float | None
    n: int | None
    maturity: float | None
    interval: _Limits | None


class _Segment(_Number):
    segment: dict[str, str | None]


class _Body(_Number):
    segments: list[_Segment]


_read = msgspec.json.Decoder(_Body).decode


async def text(store: Store, tenant: str) -> str:
    """Raises `StoreUnavailable`. Written in a thread: with fifty segments everywhere it takes a quarter of a second."""
    return await asyncio.to_thread(written, await store.query(_NEWEST, {"tenant": tenant}))


def written(points: Iterable[Sequence[Any]]) -> str:
    """The text of points: metric, window, the dimension it is cut by ("" for the total), version (ms) and body."""
    told: dict[Signal, dict[tuple[str, ...], float]] = {signal: {} for signal in VALUES}
    for metric, window, cut, version, body in points:
        if metric not in METRICS:
            continue
        told[VERSION][metric, window, cut] = version / 1000
        answer = _read(body)
        if not cut:
            _tell(told, (metric, window, "", ""), answer)
        else:
            for each in answer.segments:
                _tell(told, (metric, window, cut, each.segment[cut] or ""), each)
    readings: Mapping[Signal, Reading] = told  # every family is named, also one without a sample
    return prometheus(readings)


def _tell(told: Mapping[Signal, dict[tuple[str, ...], float]], key: tuple[str, ...], number: _Number) -> None:
    low, high = (number.interval.low, number.interval.high) if number.interval else (None, None)
    for signal, reading in (
        (VALUE, number.value),
        (LOW, low),
        (HIGH, high),
        (UNITS, number.n),
        (MATURITY, number.maturity),
    ):
        if reading is not None:
            told[signal][key] = reading
