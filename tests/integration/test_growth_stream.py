"""Growth metrics on a random stream of the journeys that they are about: answers are those of the brute force."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from deploy.store import ClickHouseStore
from tests.reference.agreement import counted, differences, of_reference
from tests.reference.asking import ask as understood
from tests.reference.brute import Reference
from tests.reference.growth_stream import GrowthJourneys
from tests.reference.harness import ask, feed, reader
from tests.reference.stream import stream

pytestmark = pytest.mark.engine
SIZE = int(os.environ.get("SOJOURN_TEST_GROWTH_STREAM", "5000"))
SEED = 7
# Some units are young; everything is over and filtered; rolling, cut by country.
WINDOWS: dict[str, dict[str, Any]] = {
    "young": {"at": "2026-10-27T09:30:00Z", "from": "2026-10-20", "to": "2026-10-28"},
    "old": {
        "at": "2026-12-20T00:00:00Z", "from": "2026-09-01", "to": "2026-12-01", "segment": "trait.plan",
        "filter": "device:ne:mobile",
    },
    "rolling": {"at": "2026-10-27T09:30:00Z", "window": "P10D", "segment": "country"},
}  # fmt: skip
ASKED: dict[str, list[dict[str, str]]] = {
    "average_order_value": [{}, {"amount": "gross"}, {"statistic": "p90"}, {"currency": "USD"}],
    "purchase_frequency": [{}, {"cancelled": "include"}, {"same_day": "collapse"}, {"definition": "active"}],
    "repeat_purchase_rate": [
        {},
        {"same_day": "collapse", "horizon": "P20D"},
        {"definition": "window", "same_day": "collapse"},
        {"definition": "returning"},
    ],
    "conversion_rate": [
        {},
        {"goal": "signed_up,order_completed,invite_sent", "void_window": "P2D"},
        {"definition": "people"},
        {"definition": "cart"},
        {"definition": "cart_to_checkout", "void_window": "P1D"},
        {"definition": "checkout_to_order", "horizon": "PT2H"},
    ],
    "sign_up_rate": [{}, {"visitors": "new"}, {"visitors": "all", "type": "invited", "horizon": "P5D"}],
    "referral_rate": [
        {},
        {"lookback": "P5D", "refund_window": "P3D"},
        {"definition": "new_customers"},
        {"definition": "referrers"},
        {"definition": "k_factor"},
    ],
    "trial_to_paid_rate": [
        {},
        {"kind": "opt_out"},
        {"attribution": "end"},
        {"attribution": "completion"},
        {"definition": "articles"},
        {"grace": "P2D", "length": "P9D", "refund_window": "P3D"},
    ],
    "retention_rate": [
        {},
        {"when": "request", "grace": "P2D"},
        {"definition": "activity"},
        {"definition": "activity", "start_event": "page_viewed,order_completed", "min_occurrences": "2"},
        {"definition": "cohort"},
        {"definition": "cohort", "grain": "day", "mode": "first_time", "nth": "2", "return_event": "page_viewed"},
        {"definition": "cohort", "grain": "month", "mode": "unbounded", "min_occurrences": "2"},
    ],
    "churn_rate": [
        {},
        {"definition": "named", "when": "request"},
        {"definition": "exposure", "grace": "P3D"},
        {"definition": "net_change", "grace": "P40D"},
        {"definition": "revenue_gross"},
        {"definition": "revenue_net", "when": "request"},
        {"definition": "revenue_net", "currency": "USD"},
        {"definition": "non_contractual", "tau": "P15D"},
        {"definition": "non_contractual", "tau": "auto"},
    ],
    "service_to_sale_rate": [{}, {"contact": "call"}, {"contact": "chat", "void_window": "P3D"}, {"horizon": "P2D"}],
}
TRIANGLES: list[dict[str, Any]] = [
    {"at": "2026-10-27T09:30:00Z"},
    {"at": "2026-10-27T09:30:00Z", "window": "P20D", "periods": "5", "mode": "first_time", "filter": "country:eq:DE"},
    {"at": "2026-10-27T09:30:00Z", "window": "P70D", "mode": "unbounded", "tz": "America/St_Johns"},
    {"at": "2026-12-20T00:00:00Z", "period": "week", "periods": "10", "start_event": "signed_up"},
    {"at": "2026-12-20T00:00:00Z", "period": "week", "from": "2026-09-01", "to": "2026-12-01", "min_occurrences": "3"},
    {"at": "2026-12-20T00:00:00Z", "period": "month", "return_event": "order_completed", "filter": "trait.plan:ne:pro"},
]


async def test_growth_answers_are_those_of_the_brute_force(store: ClickHouseStore, tmp_path: Path) -> None:
    deliveries = stream(SEED, SIZE, GrowthJourneys)
    await feed(store, deliveries)
    reference, wrong = Reference(deliveries), []
    async with reader(store, tmp_path) as client:
        for metric, choices in ASKED.items():
            for query in ({**window, **choice} for window in WINDOWS.values() for choice in choices):
                given = counted(json.loads(await ask(client, metric, query)))
                expected = of_reference(reference.answer(understood(metric, query, "Europe/Berlin")))
                wrong += [(metric, query, line) for line in differences(expected, given)]
        for query in TRIANGLES:
            triangle = json.loads(await ask(client, "retention", query))
            expected = of_reference(reference.answer(understood("retention", query, "Europe/Berlin")))
            assert sum(row["size"] for row in triangle["cohorts"]), query
            wrong += [("retention", query, line) for line in differences(expected, triangle)]
    assert not wrong, "\n".join(map(str, wrong))
