"""The parameters of the growth metrics, of funnels and of the retention triangle, with their defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Those of them that are durations.
LENGTHS = ("grace", "length", "lookback", "refund_window", "void_window", "tau", "step_within")
CONTRACT = {"grace": "P14D", "when": "end"}
COHORT = {"start_event": "", "return_event": "", "mode": "recurring", "min_occurrences": "1"}
GROWTH: Mapping[str, Mapping[str, Any]] = {
    "conversion_rate": {"goal": "order_completed", "horizon": "PT24H", "void_window": "PT0S"},
    "sign_up_rate": {"horizon": "PT24H", "visitors": "unregistered", "type": ""},
    "trial_to_paid_rate": {
        "grace": "P7D", "length": "P14D", "kind": "opt_in", "refund_window": "P14D", "attribution": "cohort",
    },
    "referral_rate": {"lookback": "P30D", "refund_window": "P30D"},
    "service_to_sale_rate": {"horizon": "P7D", "void_window": "PT0S", "contact": "all"},
    "purchase_frequency": {"cancelled": "exclude", "same_day": "count"},
    "average_order_value": {"currency": "", "amount": "net"},
    "repeat_purchase_rate": {"horizon": "P90D", "same_day": "count"},
    "retention_rate": {**CONTRACT, **COHORT, "grain": "week", "nth": "1"},
    "churn_rate": {**CONTRACT, "tau": "P90D", "currency": ""},
    "retention": {**COHORT, "period": "day", "periods": "8"},
    "funnels": {
        "steps": "", "order": "ordered", "within": "", "step_within": "", "exclude": "", "hold": "",
        "strict_increase": "false", "step_filter": (), "counting": "person", "breakdown": "first", "entry": "first",
    },
}  # fmt: skip
