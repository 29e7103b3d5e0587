"""Funnels of every kind, over three windows."""

from __future__ import annotations

from typing import Any

STEPS = "product_viewed,product_added,order_completed"
AGAIN = "product_viewed,product_added,product_viewed,product_added,product_removed"
BROWSED = "page_viewed,products_searched,product_viewed,product_added"
ASKED: list[dict[str, Any]] = [
    {},
    {"entry": "any"},
    {"within": "P40D", "breakdown": "last"},
    *({"steps": steps, "order": order} for steps in (STEPS, AGAIN, BROWSED) for order in ("ordered", "unordered")),
    {"steps": BROWSED, "order": "strict"},
    {"steps": "product_viewed,product_viewed,product_viewed", "within": "P20D"},
    {"steps": STEPS, "within": "PT10M"},
    {"steps": AGAIN, "step_within": "PT1H"},
    {"steps": BROWSED, "exclude": "product_removed,page_viewed", "step_within": "P1D"},
    {"steps": "product_removed,product_removed", "exclude": "product_removed"},
    {"steps": AGAIN, "strict_increase": "true"},
    {"steps": BROWSED, "strict_increase": "true", "step_within": "PT10M", "exclude": "product_removed"},
    {"steps": "product_viewed,product_added", "hold": "product_id"},
    {"steps": AGAIN, "hold": "category", "strict_increase": "true", "exclude": "page_viewed"},
    {"steps": "product_viewed,product_added", "hold": "product_id", "order": "strict"},
    {"steps": AGAIN, "counting": "session"},
    {"steps": AGAIN, "counting": "attempts"},
    {"steps": BROWSED, "counting": "attempts", "hold": "category"},
    {"steps": BROWSED, "counting": "attempts", "order": "strict"},
    {"steps": STEPS, "step_filter": ["1:category:in:shoes,bags", "2:product_id:ne:p1", "1:category:ne:shoes"]},
    {
        "steps": "product_viewed,product_viewed,product_added,product_viewed", "order": "unordered", "within": "P2D",
        "step_filter": ["1:category:eq:", "2:category:nin:bags"],
    },
]  # fmt: skip
# Some units are young; everything is over, filtered and cut by a trait; rolling, cut by two.
WINDOWS: list[dict[str, Any]] = [
    {"at": "2026-10-27T09:30:00Z", "from": "2026-10-14", "to": "2026-10-28", "segment": "country"},
    {
        "at": "2026-12-20T00:00:00Z", "from": "2026-09-01", "to": "2026-12-01", "segment": "trait.plan",
        "filter": "device:ne:mobile",
    },
    {"at": "2026-10-27T09:30:00Z", "window": "P20D", "segment": "country,device", "limit": "1000"},
]  # fmt: skip
QUESTIONS = [{**window, **query} for window in WINDOWS for query in ASKED]
