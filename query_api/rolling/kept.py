"""What is kept of the rolling windows: buckets and published answers in the store, written and read here alone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from query_api.question import Cell
from query_api.rolling import adding
from query_api.rolling.adding import Bucket
from query_api.rolling.plan import Place
from schemas.ports import Store
from schemas.tables import METRIC_BUCKETS, METRIC_POINTS, Table

ROLLING = 0
"""The `end` under which the answer of a rolling window is published."""

_POINT = """SELECT version, body FROM metric_points
WHERE tenant = {tenant:String} AND metric = {metric:String} AND window = {window:String} AND cut = {cut:String}
  AND end = 0 ORDER BY version DESC LIMIT 1"""
_VERSIONS = """SELECT metric, window, cut, max(version) FROM metric_points
WHERE tenant = {tenant:String} AND end = 0 GROUP BY metric, window, cut"""
_GRID = """SELECT version, groupArray(start), max(end) FROM metric_buckets
WHERE tenant = {tenant:String} AND metric = {metric:String} AND span = {span:String} AND cut = ''
GROUP BY version ORDER BY version DESC LIMIT 1"""
_BUCKETS = """SELECT start, end, cut, cells FROM metric_buckets
WHERE tenant = {tenant:String} AND metric = {metric:String} AND span = {span:String} AND cut IN {cuts:Array(String)}
  AND version = {version:Int64} AND start >= {from:Int64} AND end <= {until:Int64}
ORDER BY start"""
_CLOSED = """SELECT window, end, argMax((JSONExtract(body, 'value', 'Nullable(Float64)'),
    JSONExtractInt(body, 'n'), JSONExtract(body, 'maturity', 'Nullable(Float64)'), JSONExtractInt(body, 'version')),
    version), max(version)
FROM metric_points
WHERE tenant = {tenant:String} AND metric = {metric:String} AND cut = '' AND end > 0 GROUP BY window, end"""


@dataclass(frozen=True, slots=True)
class Published:
    """An answer to write: of a rolling window (`end` is `ROLLING`), or of one that closed at `end`."""

    place: Place
    end: int
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Before:
    """What was published of a closed window: the value, of how many, how mature, by which version of the metric's
    declaration, as of which version.
    """

    value: float | None
    n: int
    maturity: float | None
    declared: int
    version: int


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where buckets stand: the default definition of a metric of one tenant, over one span of time."""

    tenant: str
    metric: str
    span: str

    @property
    def bound(self) -> dict[str, Any]:
        return {"tenant": self.tenant, "metric": self.metric, "span": self.span}


@dataclass(frozen=True, slots=True)
class Grid:
    """The newest buckets of a shelf: their version, and where they cut the time."""

    shelf: Shelf
    version: int
    edges: frozenset[int]


async def point(store: Store, tenant: str, place: Place) -> tuple[int, dict[str, Any]] | None:
    """The published answer and its version."""
    bound = {"tenant": tenant, "metric": place.metric, "window": place.window, "cut": place.cut}
    rows = await store.query(_POINT, bound)
    return (int(rows[0][0]), json.loads(rows[0][1])) if rows else None


async def versions(store: Store, tenant: str) -> dict[tuple[str, str, str], int]:
    """As of which version each rolling window is published, by metric, window and cut."""
    rows = await store.query(_VERSIONS, {"tenant": tenant})
    return {(metric, window, cut): version for metric, window, cut, version in rows}


async def closed(store: Store, tenant: str, metric: str) -> dict[tuple[str, int], Before]:
    """What is published of closed windows, by the name of the window and its end."""
    rows = await store.query(_CLOSED, {"tenant": tenant, "metric": metric})
    return {
        (window, end): Before(value=told[0], n=told[1], maturity=told[2], declared=told[3], version=version)
        for window, end, told, version in rows
    }


async def publish(store: Store, tenant: str, version: int, answers: Sequence[Published]) -> None:
    """Raises what the store raises."""
    await _insert(
        store,
        METRIC_POINTS,
        (
            (tenant, each.place.metric, each.place.window, each.place.cut, each.end, version, json.dumps(each.body))
            for each in answers
        ),
    )


async def grid(store: Store, shelf: Shelf) -> Grid | None:
    """What stands there; None: nothing."""
    rows = await store.query(_GRID, shelf.bound)
    return Grid(shelf, int(rows[0][0]), frozenset([*rows[0][1], rows[0][2]])) if rows else None


async def buckets(store: Store, known: Grid, cut: str, start: int, end: int) -> list[Bucket]:
    """The buckets that make up [start, end), with the segments of one dimension ("": none); none if a newer version
    has taken the place of some of them in the meantime.
    """
    bound = {**known.shelf.bound, "cuts": ["", cut], "version": known.version, "from": start, "until": end}
    found: dict[tuple[int, int], dict[str, list[Cell]]] = {}
    for begins, ends, name, cells in await store.query(_BUCKETS, bound):
        found.setdefault((begins, ends), {})[name] = adding.decode(cells)
    parts = sorted(found)
    whole = list(pairwise(sorted(edge for edge in known.edges if start <= edge <= end)))
    if parts != whole or any(name not in found[part] for part in parts for name in ("", cut)):
        return []
    return [Bucket(*part, [*found[part][""], *(found[part][cut] if cut else [])]) for part in parts]


async def keep(
    store: Store, shelf: Shelf, version: int, edges: Sequence[int], cuts: Mapping[str, Sequence[Sequence[Cell]]]
) -> None:
    """Write buckets: of each cut the cells of each part. Raises what the store raises."""
    parts = list(pairwise(edges))
    # The total comes last: a version is seen by it, and its segments must be there by then.
    for cut in sorted(cuts, reverse=True):
        await _insert(
            store,
            METRIC_BUCKETS,
            (
                (shelf.tenant, shelf.metric, shelf.span, cut, number, version, start, end, adding.encode(cells))
                for number, ((start, end), cells) in enumerate(zip(parts, cuts[cut], strict=True))
            ),
        )


async def _insert(store: Store, table: Table, rows: Iterable[tuple[Any, ...]]) -> None:
    columns = list(zip(*rows, strict=True))
    if columns:
        names = [column.name for column in table.columns]
        await store.insert(table.name, dict(zip(names, columns, strict=True)))
