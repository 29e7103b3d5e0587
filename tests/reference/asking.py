"""A question as a caller writes it, read again without the product's code: durations, windows, local midnights."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.reference.copies import instant
from tests.reference.growth_parameters import GROWTH, LENGTHS

DAY = 86_400_000
SHARED = frozenset(
    ["window", "from", "to", "period", "at", "tz", "segment", "filter", "compare", "statistic", "limit", "definition"]
)
ANSWERS = {"dedupe": "latest", "attribution": "completion", "within": "P14D"}
DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "cart_abandonment_rate": {
        "entity": "cart", "horizon": "PT24H", "inactivity": "PT1H", "recovery": "P30D", "emptied": "abandoned",
    },
    "checkout_abandonment_rate": {"horizon": "PT1H", "horizon_async": "PT72H"},
    "dau": {"events": "", "min_events": "1", "days": "1"},
    "wau": {"events": "", "min_events": "1", "days": "7"},
    "mau": {"events": "", "min_events": "1", "days": "28"},
    "stickiness": {"variant": "mean"},
    "resolution_time": {"clock": "full", "pending": "include", "attribution": "completion"},
    "first_response_time": {"bots": "false", "sla": ""},
    "reopen_rate": {"within": "P14D", "thank_you": "ignore"},
    "revenue": {"currency": ""},
    "nps": {"kind": "relational", **ANSWERS},
    "csat": {"scale": "", **ANSWERS},
    "ces": {"scale": "", "direction": "easy_high", "threshold": "", **ANSWERS},
    "survey_response_rate": {"within": "P14D", "eligible": ""},
    "review_rating": {"verified": "any", "weights": "", "prior": "20", "within": "P14D"},
    "visit_purpose": {"purpose": "", "labels": "declared", "taxonomy": ""},
    "contact_volume": {"direction": "inbound"},
    "handling_time": {"parts": "talk,hold,wrap"},
    "transfers_per_contact": {"ivr": "ignore", "consult": "ignore"},
    "first_contact_resolution_rate": {"within": "P7D", "scope": "any", "declared": "silence"},
    "self_service_containment_rate": {"within": "PT24H", "engagement": "PT10S", "goals": ""},
    **GROWTH,
}  # fmt: skip
YOUNG: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("cart_abandonment_rate", "conversion_rate", "repeat_purchase_rate", "service_to_sale_rate", "sign_up_rate"),
        ("horizon",),
    ),
    **dict.fromkeys(
        ("reopen_rate", "first_contact_resolution_rate", "self_service_containment_rate", "survey_response_rate"),
        ("within",),
    ),
    **dict.fromkeys(("nps", "csat", "ces"), ("within",)),
    **dict.fromkeys(
        ("first_response_time", "resolution_time", "trial_to_paid_rate", "retention_rate", "churn_rate"), ()
    ),
    "checkout_abandonment_rate": ("horizon", "horizon_async"),
    "referral_rate": ("refund_window",),
}
"""Metrics whose units can change them until so long after their entry (nothing: always)."""
NEVER_YOUNG: Mapping[str, tuple[str, ...]] = {
    "cart_abandonment_rate": ("completion",),
    "repeat_purchase_rate": ("window", "returning"),
    "reopen_rate": ("events",),
    "self_service_containment_rate": ("naive", "abandonment", "handoff"),
    "referral_rate": ("referrers", "k_factor"),
    "trial_to_paid_rate": ("articles",),
    "retention_rate": ("activity",),
    "churn_rate": ("exposure", "revenue_gross", "revenue_net"),
    "first_response_time": ("chatwoot",),
    "resolution_time": ("chatwoot", "articles"),
}
STATES = ("dau", "wau", "mau", "stickiness", "backlog")


def duration(text: str) -> int:
    """Weeks to seconds of ISO 8601, in ms."""
    found = re.fullmatch(r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", text)
    assert found, text
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return ((((weeks * 7 + days) * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000


def midnight(day: date, tz: str) -> int:
    """The first instant of a local day."""
    local = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(tz))
    return int(local.astimezone(UTC).timestamp() * 1000)


def local_day(ms: int, tz: str) -> date:
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone(ZoneInfo(tz)).date()


@dataclass(frozen=True, slots=True)
class Asked:
    metric: str
    start: int
    end: int
    at: int
    tz: str
    currency: str = "EUR"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    segments: tuple[str, ...] = ()
    filters: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    statistic: str = ""
    previous: tuple[int, int] | None = None
    definition: str = "default"
    preceding: tuple[int, int] = (0, 0)
    rolling: bool = False

    @property
    def until(self) -> int:
        return max(self.start, min(self.at, self.end))

    def before(self) -> Asked | None:
        """The same question about the window before."""
        if self.previous is None:
            return None
        start, end = self.previous
        at = end + (self.at - self.end) if self.is_young else self.at
        return replace(self, start=start, end=end, at=at, previous=None, preceding=(2 * start - end, start))

    @property
    def is_young(self) -> bool:
        """Whether the units of the window can still change the number, so that an older window is no match for it."""
        definition = "exposure" if self.metric == "churn_rate" and self.rolling else self.definition
        horizons = YOUNG.get(self.metric)
        if horizons is None or definition in NEVER_YOUNG.get(self.metric, ()):
            return False
        if self.parameters.get("attribution", "cohort") != "cohort":
            return False
        lengths = [self.parameters.get(name) for name in horizons]
        return not horizons or self.at - self.end < max(length for length in lengths if isinstance(length, int))


def ask(metric: str, query: Mapping[str, Any], tz: str, currency: str = "EUR", week_start: str = "monday") -> Asked:
    """`query` maps HTTP parameters to a text, or to a list of texts where one is repeated; `at` must be among them."""
    tz = str(query.get("tz", tz))
    at = instant(query["at"])
    assert at is not None
    windowed = query
    if metric == "retention":
        # Its `period` is the width of a cohort, and without dates the window is the triangle's.
        windowed = {name: value for name, value in query.items() if name != "period"}
        if not {"from", "window"} & set(query):
            windowed |= _last_periods(str(query.get("period", "day")), int(query.get("periods", 8)), at, tz)
    start, end, before = _window(windowed, at, tz, week_start)
    parameters = {name: query.get(name, default) for name, default in DEFAULTS.get(metric, {}).items()}
    assert not set(query) - SHARED - set(parameters), f"{metric} has no such parameter: {query}"
    for name in ("horizon", "horizon_async", "inactivity", "recovery", "within", "sla", "engagement", *LENGTHS):
        if parameters.get(name) and parameters[name] != "auto":
            parameters[name] = duration(str(parameters[name]))
    if metric in STATES and metric != "backlog":
        end = min(at, end)
        days = int(parameters.get("days", 28))
        before = (0, _days_back(end, days, tz))
    elif metric == "backlog":
        before = (2 * start - end, start)
    filters = query.get("filter", [])
    return Asked(
        metric, start, end, at, tz, currency, parameters,
        segments=tuple(part for part in str(query.get("segment", "")).split(",") if part),
        filters=tuple(_filter(text) for text in ([filters] if isinstance(filters, str) else filters)),
        statistic=str(query.get("statistic", "mean" if metric == "handling_time" else "")),
        previous=before if query.get("compare") == "previous" else None,
        definition=str(query.get("definition", "default")),
        preceding=before,
        rolling="from" not in windowed and "period" not in windowed,
    )  # fmt: skip


def period_of(day: date, grain: str) -> date:
    """The first day of the calendar day, week (from Monday) or month that holds a day."""
    if grain == "month":
        return day.replace(day=1)
    return day - timedelta(days=day.weekday()) if grain == "week" else day


def following(day: date, grain: str, periods: int = 1) -> date:
    """The first day of the period so many periods later."""
    if grain == "month":
        months = day.year * 12 + day.month - 1 + periods
        return date(months // 12, months % 12 + 1, 1)
    return day + timedelta(days=periods * (7 if grain == "week" else 1))


def _last_periods(grain: str, periods: int, at: int, tz: str) -> dict[str, str]:
    last = period_of(local_day(at - 1, tz), grain)
    return {"from": following(last, grain, 1 - periods).isoformat(), "to": following(last, grain).isoformat()}


def _filter(text: str) -> tuple[str, str, tuple[str, ...]]:
    dimension, operator, values = text.split(":", 2)
    return dimension, operator, tuple(part for part in values.split(",") if part)


def _window(query: Mapping[str, Any], at: int, tz: str, week_start: str) -> tuple[int, int, tuple[int, int]]:
    if "from" in query:
        dated = [re.fullmatch(r"\d{4}-\d\d-\d\d", str(query[key])) is not None for key in ("from", "to")]
        start, end = (_edge(str(query[key]), tz) for key in ("from", "to"))
        if all(dated):
            days = (local_day(end, tz) - local_day(start, tz)).days
            return start, end, (_days_back(start, days, tz), start)
        return start, end, (2 * start - end, start)
    if "period" in query:
        end_day = local_day(at, tz)
        if query["period"] == "week":
            end_day -= timedelta(days=(end_day.weekday() + (week_start == "sunday")) % 7)
        if query["period"] == "month":
            end_day = end_day.replace(day=1)
        days_before = [_preceding(end_day, str(query["period"]))]
        days_before.append(_preceding(days_before[0], str(query["period"])))
        end, start, earlier = (midnight(day, tz) for day in (end_day, *days_before))
        return start, end, (earlier, start)
    length = duration(str(query.get("window", "P1D")))
    return at - length, at, (at - 2 * length, at - length)


def _preceding(day: date, period: str) -> date:
    if period == "month":
        return (day - timedelta(days=1)).replace(day=1)
    return day - timedelta(days=7 if period == "week" else 1)


def _edge(text: str, tz: str) -> int:
    if len(text) == 10:
        return midnight(date.fromisoformat(text), tz)
    found = instant(text)
    assert found is not None
    return found


def _days_back(ms: int, days: int, tz: str) -> int:
    """The same local time of day so many local days before."""
    local = datetime.fromtimestamp(ms / 1000, UTC).astimezone(ZoneInfo(tz))
    return int((local.replace(tzinfo=None) - timedelta(days=days)).replace(tzinfo=ZoneInfo(tz)).timestamp() * 1000)
