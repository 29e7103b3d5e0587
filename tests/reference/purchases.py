"""Orders as purchases of people: which of them stand, how often, for how much and how soon again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from tests.reference import numbers
from tests.reference.asking import Asked, local_day
from tests.reference.copies import amount
from tests.reference.counting import Known, activity, passes
from tests.reference.outcome import cohort_unit
from tests.reference.shop import Order
from tests.reference.unit import Unit

Body = dict[str, Any]


def void(order: Order, window: int) -> bool:
    """Cancelled so soon that it was no conversion; with a window of 0 none is."""
    cancelled = order.cancelled_at
    return window > 0 and cancelled is not None and cancelled < order.time + window


def order_unit(known: Known, order: Order, reason: str = "") -> Unit:
    return Unit(order.id, order.time, known.dimensions(order.copies), order.person, reason)


def in_window(known: Known, asked: Asked, keep_cancelled: bool = False) -> Iterator[tuple[Order, Unit]]:
    """The window's orders with the reason to leave one out."""
    for order in known.carts.orders.values():
        if asked.start <= order.time < asked.until:
            left_out = order.cancelled and not keep_cancelled
            unit = order_unit(known, order, "bot" if order.bot else "cancelled" if left_out else "")
            if passes(unit, asked):
                yield order, unit


def standing(known: Known) -> dict[str, list[Order]]:
    """Each person's orders that stand, in their order."""
    found: dict[str, list[Order]] = defaultdict(list)
    for order in known.carts.orders.values():
        if order.person and not order.bot and not order.cancelled:
            found[order.person].append(order)
    return {person: sorted(orders, key=lambda order: (order.time, order.id)) for person, orders in found.items()}


def active_customers(known: Known, asked: Asked, customers: set[str]) -> Iterator[Unit]:
    """What the customers did themselves in the window, one unit a copy."""
    for unit in activity(known, asked, asked.start, asked.until):
        if not unit.reason and unit.person in customers:
            yield unit


def frequency(known: Known, asked: Asked) -> Iterator[Unit]:
    """Units of n = 1 are orders, those of n = 0 customers who were merely there."""
    for _, unit in in_window(known, asked, asked.parameters["cancelled"] == "include"):
        unit.reason = unit.reason or ("" if unit.person else "no_actor")
        yield unit
    if asked.definition == "active":
        stood = {person for person, orders in standing(known).items() if orders[0].time < asked.until}
        for unit in active_customers(known, asked, stood):
            unit.n = 0
            yield unit


def frequency_body(asked: Asked, units: list[Unit]) -> Body:
    bought: dict[str, set[Any]] = defaultdict(set)
    for unit in units:
        if not unit.reason:
            days = asked.parameters["same_day"] == "collapse"
            bought[unit.person] |= {local_day(unit.entry, asked.tz) if days else unit.id} if unit.n else set()
    counts = [len(found) for found in bought.values()]
    low, high = numbers.mean_limits(counts)
    return {
        "value": sum(counts) / len(counts) if counts else None,
        "numerator": sum(counts),
        "denominator": len(counts),
        "n": len(counts),
        "interval": None if low is None else {"low": low, "high": high},
    }


def values(known: Known, asked: Asked) -> Iterator[Unit]:
    for order, unit in in_window(known, asked):
        unit.currency, unit.money = order.money(asked.currency)
        priced = [
            copy for copy in order.settled()
            if copy.name in ("order_completed", "order_updated")
            and amount(copy.properties, "total", "revenue", "value") is not None
        ]  # fmt: skip
        if asked.parameters["amount"] == "gross" and priced:
            unpaid = [copy for copy in order.copies if copy.name in ("order_completed", "order_updated")]
            whole = Order(order.id, order.time, order.completed, unpaid, "", "", "", "")
            unit.currency, unit.money = whole.money(asked.currency)
        elif not unit.reason and priced and order.refunds(asked.currency, aside=True):
            unit.flags = ("refund_currency",)
        unit.reason = unit.reason or ("" if priced else "no_amount")
        yield unit


def values_body(asked: Asked, units: list[Unit]) -> Body:
    by_currency: dict[str, list[int]] = defaultdict(list)
    for unit in units:
        if not unit.reason:
            by_currency[unit.currency].append(unit.money)
    currency = str(asked.parameters["currency"] or asked.currency)
    statistic = asked.statistic or "mean"
    quantile = {"median": 0.5, "p90": 0.9}.get(statistic)

    def figure(found: list[int]) -> float | None:
        if quantile is not None:
            middle = numbers.quantile(found, quantile)
            return None if middle is None else middle / 100
        return sum(found) / len(found) / 100 if found else None

    own = by_currency.pop(currency, [])
    low, high = numbers.mean_limits(own) if quantile is None else numbers.quantile_limits(own, quantile)
    limits = {"low": None if low is None else low / 100, "high": None if high is None else high / 100}
    return {
        "value": figure(own),
        "numerator": sum(own) / 100 if quantile is None else None,
        "denominator": len(own) if quantile is None else None,
        "n": len(own),
        "interval": None if low is None and high is None else limits,
        "currency": currency,
        "by_currency": [
            {"currency": other, "value": figure(found), "n": len(found)} for other, found in sorted(by_currency.items())
        ],
    }


def repeated(known: Known, asked: Asked) -> Iterator[Unit]:
    collapse = asked.parameters["same_day"] == "collapse"
    for order, unit in in_window(known, asked):
        unit.reason = unit.reason or ("" if order.person else "no_actor")
        if unit.reason:
            yield unit
    for orders in standing(known).values():
        if asked.definition == "default":
            first = orders[0]
            if not asked.start <= first.time < asked.until:
                continue
            day = local_day(first.time, asked.tz)
            later = [order.time for order in orders[1:] if not collapse or local_day(order.time, asked.tz) > day]
            unit = order_unit(known, first)
            cohort_unit(unit, known.at, int(asked.parameters["horizon"]), min(later, default=None))
        else:
            units = [order_unit(known, order) for order in orders if asked.start <= order.time < asked.until]
            units = [unit for unit in units if passes(unit, asked)]
            if not units:
                continue
            unit = units[0]
            times = {local_day(other.entry, asked.tz) if collapse else other.id for other in units}
            unit.success = orders[0].time < asked.start if asked.definition == "returning" else len(times) > 1
        if passes(unit, asked):
            yield unit
