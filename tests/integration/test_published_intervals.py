"""Intervals and curves that others have printed, asked over HTTP and compared to the digits that they print.

A usual run asks for some of each table, drawn by its seed; unit tests hold the formulas to all of it.

Shares and differences are those of tests/reference/published.py. Remissions: E. J. Freireich et al., Blood 21 (1963)
699-716, 6-MP group, with the Kaplan-Meier table that Stata's `sts list` (log-log limits) and R's `survfit` print of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.reference.published import DIFFERENCES, SHARES
from tests.rotation import some
from tests.service import Service

pytestmark = [pytest.mark.e2e, pytest.mark.engine]
DAY_ONE = datetime(2026, 3, 1, 12, tzinfo=UTC)
AT = DAY_ONE + timedelta(days=100)
RELAPSED = (6, 6, 6, 7, 10, 13, 16, 22, 23)
IN_REMISSION = (6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35)
SURVIVAL = {
    # week: S, and its limits by the log-log transform
    6: ("0.8571", "0.6197", "0.9516"),
    7: ("0.8067", "0.5631", "0.9228"),
    10: ("0.7529", "0.5032", "0.8894"),
    13: ("0.6902", "0.4316", "0.8491"),
    16: ("0.6275", "0.3675", "0.8049"),
    22: ("0.5378", "0.2678", "0.7468"),
    23: ("0.4482", "0.1881", "0.6801"),
}
MEDIAN_WEEKS = 23


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def carts(day: datetime, country: str, ordered: int, n: int) -> Iterator[dict[str, Any]]:
    """So many carts of so many people on this day, of which so many are ordered at once."""
    for number in range(n):
        cart = f"{iso(day)}-{country}-{number}"
        who = {"userId": f"u-{cart}", "context": {"country": country}}
        yield {
            "messageId": f"c-{cart}",
            "event": "product_added",
            "timestamp": iso(day),
            "properties": {"cart_id": cart, "product_id": "p"},
            **who,
        }
        if number < ordered:
            yield {
                "messageId": f"o-{cart}",
                "event": "order_completed",
                "timestamp": iso(day + timedelta(minutes=5)),
                "properties": {"cart_id": cart, "order_id": cart, "total": 1},
                **who,
            }


def remissions() -> Iterator[dict[str, Any]]:
    """Patients as tickets that are answered, and as carts that are ordered, at the relapse; a week of theirs is an hour
    here. Who was still in remission after so many weeks entered that long before `AT`.
    """
    ends = [(weeks, True) for weeks in RELAPSED] + [(weeks, False) for weeks in IN_REMISSION]
    for number, (weeks, is_over) in enumerate(ends):
        began = AT - timedelta(hours=40 if is_over else weeks)
        ended = iso(began + timedelta(hours=weeks))
        who = {"userId": f"p{number}", "context": {"country": "6MP"}}
        ticket, cart = {"ticket_id": f"p{number}"}, {"cart_id": f"p{number}"}
        yield {"messageId": f"pc{number}", "event": "product_added", "timestamp": iso(began), "properties": cart, **who}
        yield {
            "messageId": f"pt{number}",
            "event": "ticket_created",
            "timestamp": iso(began),
            "properties": ticket,
        } | who
        if is_over:
            reply = {**ticket, "author_type": "agent", "agent_id": "g", "public": True}
            order = {**cart, "order_id": f"p{number}", "total": 1}
            yield {"messageId": f"pr{number}", "event": "ticket_replied", "timestamp": ended, "properties": reply}
            yield {
                "messageId": f"po{number}",
                "event": "order_completed",
                "timestamp": ended,
                "properties": order,
            } | who


def country(number: int) -> str:
    return f"X{chr(ord('A') + number)}"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A running service that was sent all of it."""
    running = Service(tmp_path_factory.mktemp("published") / "data")
    running.start(120)
    events: list[dict[str, Any]] = []
    for number, (successes, n) in enumerate(SHARES):
        events += carts(DAY_ONE, country(number), successes, n)
    for number, (successes, n, others, of) in enumerate(DIFFERENCES):
        name = country(len(SHARES) + number)
        events += carts(DAY_ONE, name, others, of)
        events += carts(DAY_ONE + timedelta(days=1), name, successes, n)
    events += remissions()
    for begin in range(0, len(events), 500):
        answer = running.send({"events": events[begin : begin + 500]})
        assert answer.status_code == 202, answer.text
        assert not answer.json()["rejected"]
    yield running
    running.kill()


def asked(service: Service, day: datetime, where: str, **more: str) -> Any:
    window = {"from": iso(day.replace(hour=0)), "to": iso(day.replace(hour=0) + timedelta(days=1))}
    return service.metric(
        "conversion_rate",
        **window,
        at=iso(day + timedelta(days=5)),
        definition="cart",
        filter=f"country:eq:{where}",
        **more,
    )


@pytest.mark.parametrize(("number", "share"), some(list(enumerate(SHARES)), 2, "published shares"))
def test_wilson_intervals_are_those_of_newcombe(service: Service, number: int, share: tuple[int, int]) -> None:
    body = asked(service, DAY_ONE, country(number))
    assert (body["numerator"], body["denominator"]) == share
    assert body["interval"]["method"] == "wilson"
    assert tuple(f"{body['interval'][end]:.4f}" for end in ("low", "high")) == SHARES[share]


@pytest.mark.parametrize(("number", "pair"), some(list(enumerate(DIFFERENCES)), 3, "published differences"))
def test_intervals_of_differences_are_those_of_newcombe(
    service: Service, number: int, pair: tuple[int, int, int, int]
) -> None:
    body = asked(service, DAY_ONE + timedelta(days=1), country(len(SHARES) + number), compare="previous")
    compared = body["comparison"]
    assert (body["numerator"], body["denominator"]) == pair[:2]
    assert compared["value"] == pair[2] / pair[3]
    assert compared["method"] == "newcombe"
    assert tuple(f"{compared[end]:+.4f}" for end in ("low", "high")) == DIFFERENCES[pair]


def patients(service: Service, metric: str, **more: str) -> Any:
    window = {"from": iso(AT - timedelta(hours=48)), "to": iso(AT), "at": iso(AT)}
    return service.metric(metric, **window, filter="country:eq:6MP", **more)


@pytest.mark.parametrize("week", some([*SURVIVAL], 3, "published weeks"))
def test_the_kaplan_meier_table_of_the_remissions_is_that_of_the_books(service: Service, week: int) -> None:
    """S is taken just before the horizon, so that a second more gives S at the week."""
    body = patients(service, "cart_abandonment_rate", horizon=f"PT{week * 3600 + 1}S")
    estimate = body["estimate"]
    assert (body["n"], body["basis"], estimate["transform"]) == (21, "estimate", "log_log")
    assert tuple(f"{estimate[name]:.4f}" for name in ("value", "low", "high")) == SURVIVAL[week]
    share = patients(service, "first_response_time", sla=f"PT{week * 3600 + 1}S")["statistics"]["sla_share"]
    assert f"{1 - share:.4f}" == SURVIVAL[week][0]


def test_the_median_remission_is_that_of_the_books(service: Service) -> None:
    body = patients(service, "first_response_time", statistic="km_median")
    assert (body["statistics"]["n"], body["statistics"]["open"]) == (len(RELAPSED), len(IN_REMISSION))
    assert body["value"] == MEDIAN_WEEKS * 3600
    assert body["interval"] == {"low": 13 * 3600, "high": None, "method": "kaplan_meier", "confidence": 0.95}
