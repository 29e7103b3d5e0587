"""The growth metrics' answers: units, grouped as asked, and the figures of each group."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from tests.reference import numbers
from tests.reference.asking import Asked
from tests.reference.conversion import conversion, service_to_sale, sign_up
from tests.reference.counting import Known, passes
from tests.reference.funnels import funnel
from tests.reference.outcome import excluded, rate
from tests.reference.poisson import poisson_limits
from tests.reference.purchases import Body, frequency, frequency_body, repeated, values, values_body
from tests.reference.referrals import referral
from tests.reference.retention import by_cohort, by_period, triangle
from tests.reference.subscriptions import Customer, contracts, tau_of
from tests.reference.trials import trial_to_paid
from tests.reference.unit import Unit

MONTH = 30.44 * 86_400_000
UNITS: dict[str, Callable[[Known, Asked], Iterable[Unit]]] = {
    "conversion_rate": conversion, "sign_up_rate": sign_up, "service_to_sale_rate": service_to_sale,
    "trial_to_paid_rate": trial_to_paid, "referral_rate": referral, "purchase_frequency": frequency,
    "average_order_value": values, "repeat_purchase_rate": repeated,
}  # fmt: skip
GROWTH = frozenset([*UNITS, "retention_rate", "churn_rate", "retention", "funnels"])
# Those of them that have no segments and no value.
ROUTES = {"funnels": funnel, "retention": triangle}


def answer(known: Known, asked: Asked) -> Body:
    if asked.metric in ROUTES:
        return ROUTES[asked.metric](known, asked)
    found = people(known, asked)
    units = [unit for unit, _ in found]
    groups: dict[tuple[str | None, ...], list[tuple[Unit, Customer | None]]] = defaultdict(list)
    for unit, customer in found if asked.segments else []:
        groups[tuple(unit.dimensions(name) or None for name in asked.segments)].append((unit, customer))
    cells = [(key, _cell(known, asked, cell)) for key, cell in groups.items()]
    cells = [(key, body) for key, body in cells if body["n"]]
    cells.sort(key=lambda cell: (-cell[1]["n"], [part or "" for part in cell[0]]))
    details: dict[str, Any] = {}
    if asked.metric == "retention_rate" and asked.definition == "activity":
        details = by_period(known, asked)[1]
    return {
        "details": details,
        **_cell(known, asked, found),
        "excluded": excluded(units),
        "segments": [
            {"segment": dict(zip(asked.segments, key, strict=True))}
            | {name: body[name] for name in ("value", "numerator", "denominator", "n", "interval")}
            for key, body in cells
        ],
    }


def people(known: Known, asked: Asked) -> list[tuple[Unit, Customer | None]]:
    """Every unit of the question, the customer beside it where there are contracts."""
    if asked.metric == "churn_rate" or (asked.metric == "retention_rate" and asked.definition == "default"):
        found: list[tuple[Unit, Customer | None]] = [(unit, customer) for customer, unit in contracts(known, asked)]
    elif asked.metric == "retention_rate":
        alone = by_period(known, asked)[0] if asked.definition == "activity" else by_cohort(known, asked)
        found = [(unit, None) for unit in alone]
    else:
        found = [(unit, None) for unit in UNITS[asked.metric](known, asked)]
    return [(unit, customer) for unit, customer in found if passes(unit, asked)]


def _cell(known: Known, asked: Asked, found: list[tuple[Unit, Customer | None]]) -> Body:
    units, metric, parameters = [unit for unit, _ in found], asked.metric, asked.parameters
    bodies = {"purchase_frequency": frequency_body, "average_order_value": values_body}
    if metric in bodies:
        body = bodies[metric](asked, units)
        maturity = 1.0 if body["n"] else float(asked.at >= asked.end)
        return {"basis": "mature" if maturity else "observed", "maturity": maturity, "estimate": None, **body}
    if (metric, asked.definition) == ("trial_to_paid_rate", "articles"):
        paid = sum(unit.success for unit in units)
        closed = float(bool(paid) or asked.at >= asked.end)
        basis = "mature" if closed else "observed"
        return {
            "value": paid, "numerator": paid, "denominator": None, "n": paid, "interval": None, "maturity": closed,
            "basis": basis, "estimate": None,
        }  # fmt: skip
    if metric == "churn_rate":
        return _churn(known, asked, found)
    if metric == "retention_rate":
        return _retention(asked, units)
    horizon = sum(int(parameters[key]) for key in ("horizon", "grace") if key in parameters)
    if metric == "trial_to_paid_rate" and parameters["attribution"] == "cohort":
        horizon += int(parameters["length"])
    curve, limits = metric != "referral_rate" and asked.definition != "checkout_to_order", True
    if metric == "referral_rate" and asked.definition in ("default", "new_customers"):
        horizon = int(parameters["refund_window"])
    if parameters.get("attribution") == "completion":
        horizon, curve, limits = 0, False, False
    if asked.definition == "k_factor":
        limits = False
    if asked.definition in ("window", "returning"):
        horizon = 0
    return rate(units, closed=asked.at >= asked.end + horizon, curve=curve, limits=limits)


def _retention(asked: Asked, units: list[Unit]) -> Body:
    body = rate(units, closed=asked.at >= asked.end, curve=False)
    counted = [unit for unit in units if not unit.reason]
    if asked.definition == "cohort":
        share = sum(unit.mature for unit in counted) / len(counted) if counted else float(asked.at >= asked.end)
        body |= {"maturity": share, "basis": "mature" if share >= 1 else "observed"}
    if asked.definition == "default":
        lost = body["numerator"]
        kept = body["denominator"] - lost
        low, high = numbers.wilson(kept, body["n"])
        value = kept / body["n"] if body["n"] else None
        body |= {"value": value, "numerator": kept, "interval": {"low": low, "high": high} if body["n"] else None}
        body["observed"] = {"numerator": kept, "denominator": body["n"], "value": value}
        body["details"] = {"lost": lost, "joined": sum(unit.details["joined"] for unit in counted)}
    return body


def _churn(known: Known, asked: Asked, found: list[tuple[Unit, Customer | None]]) -> Body:
    definition = asked.definition
    if definition == "default":
        definition = "exposure" if asked.rolling else "named"
    counted = [(unit, customer) for unit, customer in found if not unit.reason]
    units = [unit for unit, _ in counted]
    horizon = 0
    if definition == "non_contractual":
        # Without anybody there is no gap to read off.
        horizon = 90 * 86_400_000 if asked.parameters["tau"] == "auto" else tau_of(known, asked)
    body = rate(units, closed=asked.at >= asked.end + horizon, curve=False)
    sums: Counter[str] = Counter()
    for unit in units:
        sums.update(unit.details)
    body["details"] = {key: sums[key] for key in ("reactivated", "joined_and_churned")}
    if definition == "exposure":
        return body | _exposure(asked, units, sums)
    if definition == "net_change":
        change = body["n"] - sums["there_at_end"]
        value = change / body["n"] if body["n"] else None
        body |= {"numerator": change, "value": value, "interval": None}
        body["observed"] = {"numerator": change, "denominator": body["n"], "value": value}
    if definition.startswith("revenue"):
        body |= _revenue(asked, counted, definition == "revenue_net")
    return body


def _exposure(asked: Asked, units: list[Unit], sums: Counter[str]) -> Body:
    there = [unit for unit in units if unit.details["exposure"]]
    months, ends = sums["exposure"] / MONTH, sums["ends"]
    maturity = sum(unit.mature for unit in there) / len(there) if there else float(asked.at >= asked.end)
    value = ends / months if there else None
    low, high = poisson_limits(ends)
    return {
        "value": value,
        "numerator": ends,
        "denominator": months,
        "n": len(there),
        "observed": {"numerator": ends, "denominator": months, "value": value},
        "maturity": maturity,
        "basis": "mature" if maturity >= 1 else "observed",
        "interval": {"low": low / months, "high": high / months} if there else None,
        "details": {
            "monthly": None if value is None else 1 - math.exp(-value),
            "annualised": None if value is None else 1 - math.exp(-12 * value),
        },
    }


def _revenue(asked: Asked, found: list[tuple[Unit, Customer | None]], net: bool) -> Body:
    currency = str(asked.parameters["currency"] or asked.currency)
    start = lost = gained = n = mature = 0
    for unit, customer in found:
        if customer is None or not unit.n:
            continue
        before, after = (
            sum(one.yearly(instant, currency, asked.currency) for one in customer.subscriptions)
            for instant in (asked.start, asked.until)
        )
        if before:
            n, mature, start = n + 1, mature + unit.mature, start + before
            lost += before if unit.success else max(0, before - after)
            gained += 0 if unit.success else max(0, after - before)
    change = lost - gained if net else lost
    maturity = mature / n if n else float(asked.at >= asked.end)
    value = change / start if start else None
    return {
        "value": value,
        "numerator": change / 1200,
        "denominator": start / 1200,
        "n": n,
        "observed": {"numerator": change / 1200, "denominator": start / 1200, "value": value},
        "maturity": maturity,
        "basis": "mature" if maturity >= 1 else "observed",
        "interval": None,
        "currency": currency,
    }
