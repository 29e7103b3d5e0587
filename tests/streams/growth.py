"""What is asked about growth: of every metric all its definitions, over three windows; and the triangle."""

from __future__ import annotations

from typing import Any

from tests.streams import funnels

# Some units are young; everything is over and filtered; rolling, cut by country.
WINDOWS: list[dict[str, Any]] = [
    {"at": "2026-10-27T09:30:00Z", "from": "2026-10-20", "to": "2026-10-28"},
    {
        "at": "2026-12-20T00:00:00Z", "from": "2026-09-01", "to": "2026-12-01", "segment": "trait.plan",
        "filter": "device:ne:mobile",
    },
    {"at": "2026-10-27T09:30:00Z", "window": "P10D", "segment": "country"},
]  # fmt: skip
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
QUESTIONS: list[tuple[str, dict[str, Any]]] = [
    *((metric, {**window, **choice}) for metric, choices in ASKED.items() for window in WINDOWS for choice in choices),
    *(("retention", query) for query in TRIANGLES),
    *(("funnels", query) for query in funnels.QUESTIONS),
]
