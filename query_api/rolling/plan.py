"""Which layer answers a question: the cheapest one that answers it exactly. Pure.

The facts answer everything as of any instant. What is kept of them answers as of its version, the watermark that was
read before it was computed: exactly, but for that moment. So it is used only where the caller says how old an answer
may be (`max_age`) and names no instant: then the answer's `watermark` and `at` are those of the version.

There is no layer of single units as resolved. Writing the units of 28 days takes longer than counting them (of
1,000,000 events: visits 1.8 times as long, conversion 1.4, events 3.4, carts 1.1, orders 2.3 [measured]), and keeping
those of the days before would save nothing that is sure: an order of today gets its person, a person an alias, and
units of long ago are others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from query_api.parameters import Query, Request, invalid, parse
from query_api.question import Question
from schemas.metrics.metric import DEFAULT, Metric
from schemas.periods import DAY_MS, HOUR_MS, format_instant, parse_duration
from schemas.tenants import Tenant

WINDOWS: Mapping[str, int] = {"PT1H": HOUR_MS, "P1D": DAY_MS, "P7D": 7 * DAY_MS, "P28D": 28 * DAY_MS}
"""The rolling windows whose values are published."""
DEFAULT_WINDOW = "P1D"
OLDEST_MS = DAY_MS
_OF_A_POINT = frozenset({"window", "segment", "compare"})


@dataclass(frozen=True, slots=True)
class Asked:
    """A query without what concerns the layers; how old the answer may be (ms; 0: of now); whether the plan is told."""

    query: Sequence[tuple[str, str]]
    max_age: int
    shows_plan: bool


def asked(query: Query) -> Asked:
    """Raises `Problem` invalid_parameter."""
    rest: list[tuple[str, str]] = []
    own: dict[str, str] = {}
    for name, text in query:
        if name not in ("max_age", "plan"):
            rest.append((name, text))
        elif name in own:
            raise invalid(name, "is given twice")
        else:
            own[name] = text
    if own.get("plan", "1") not in ("0", "1"):
        raise invalid("plan", "expected 0 or 1")
    try:
        age = parse_duration(own.get("max_age", "PT0S"))
    except ValueError as error:
        raise invalid("max_age", str(error)) from None
    if age > OLDEST_MS:
        raise invalid("max_age", "at most a day")
    return Asked(rest, age, own.get("plan") == "1")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the answer to a question is published, if it is one of those that are."""

    metric: str
    window: str
    cut: str = ""


def place(metric: Metric, query: Query) -> Place | None:
    """The place of a question that asks for nothing but a published window, in total or by one dimension."""
    given = dict(query)
    if len(given) < len(list(query)) or not given.keys() <= _OF_A_POINT:
        return None
    if given.get("compare", "previous") != "previous":
        return None
    try:
        length = parse_duration(given.get("window", DEFAULT_WINDOW))
    except ValueError:
        return None
    window = next((name for name, each in WINDOWS.items() if each == length), None)
    cut = given.get("segment", "")
    if window is None or (cut and cut not in metric.dimensions):
        return None
    return Place(metric.name, window, cut)


def is_usual(question: Question, tenant: Tenant) -> bool:
    """Whether the units are those that buckets are made of: the metric as it is by default, nothing left out."""
    metric = question.metric
    if metric.definition != DEFAULT or not metric.adds_up or question.filters or question.interval:
        return False
    usual = parse(metric, [], tenant, question.at).question
    one_cut = len(question.segments) <= 1 and set(question.segments) <= set(metric.dimensions)
    return one_cut and question.parameters == usual.parameters


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept for a question: the version (ms) of its published answer, and of buckets the version with all their
    edges; None: nothing is.
    """

    point: int | None = None
    buckets: int | None = None
    edges: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Plan:
    """The layer that answers, as of which version (ms; None: as of now), and why."""

    layer: str
    version: int | None
    why: str

    def shown(self) -> dict[str, Any]:
        """As the body prints it."""
        return {
            "layer": self.layer,
            "version": None if self.version is None else format_instant(self.version),
            "why": self.why,
        }


def facts(why: str) -> Plan:
    return Plan("facts", None, why)


def choose(wanted: Asked, kept: Kept, watermark: int, window_edges: Sequence[int]) -> Plan:
    """`window_edges` are all instants at which the question cuts the time, as of the buckets' version; none: buckets
    cannot answer it.
    """
    if not wanted.max_age:
        return facts("an answer of now was asked for (max_age is not given)")
    if any(name == "at" for name, _ in wanted.query):
        return facts("the question names its instant (at)")
    oldest = watermark - wanted.max_age
    if kept.point is not None and kept.point >= oldest:
        return Plan("points", kept.point, "this answer is published, and young enough")
    if kept.buckets is not None and kept.buckets >= oldest and window_edges and kept.edges.issuperset(window_edges):
        return Plan("buckets", kept.buckets, "whole buckets make up the window")
    if kept.point is not None or kept.buckets is not None:
        return facts("what is kept is older than max_age, or cuts the time elsewhere")
    return facts("nothing is kept for this question")


def edges_of(request: Request) -> list[int]:
    """Where the windows of a question begin and end."""
    asked_of = [request.question] + ([request.previous] if request.previous else [])
    return [edge for question in asked_of for edge in (question.start, question.end)]
