"""What is asked of the shop and its help desk."""

from __future__ import annotations

from typing import Any

from tests.streams.moments import AFTER, AUTUMN, MIDDLE, WHOLE

DEFINED: list[tuple[str, dict[str, str]]] = [
    ("resolution_time", {"definition": "zendesk", "statistic": "mean"}),
    ("resolution_time", {"definition": "chatwoot", "statistic": "mean"}),
    ("resolution_time", {"definition": "articles"}),
    ("first_response_time", {"definition": "zendesk", "statistic": "median"}),
    ("first_response_time", {"definition": "chatwoot", "statistic": "mean"}),
    ("reopen_rate", {"definition": "events"}),
    ("cart_abandonment_rate", {"definition": "items"}),
    ("cart_abandonment_rate", {"definition": "completion"}),
    ("cart_abandonment_rate", {"definition": "articles"}),
]
QUESTIONS: list[tuple[str, dict[str, Any]]] = [
    ("event_count", {**MIDDLE, **AUTUMN, "segment": "event"}),
    ("event_count", {**AFTER, "from": "2026-10-25", "to": "2026-10-26", "segment": "country,channel"}),
    ("visits", {**MIDDLE, "window": "P3D", "segment": "trait.plan"}),
    ("visits", {**AFTER, "period": "month", "tz": "Asia/Kathmandu", "filter": "device:in:mobile,tablet"}),
    ("visits", {**AFTER, **AUTUMN, "segment": "device", "compare": "previous"}),
    ("orders", {**MIDDLE, **WHOLE, "segment": "channel"}),
    ("orders", {**AFTER, **AUTUMN, "tz": "Australia/Lord_Howe", "segment": "trait.plan"}),
    ("revenue", {**MIDDLE, **AUTUMN, "segment": "country"}),
    ("revenue", {**AFTER, **WHOLE, "currency": "USD"}),
    ("cart_abandonment_rate", {**MIDDLE, "period": "day", "segment": "device", "compare": "previous"}),
    ("cart_abandonment_rate", {**MIDDLE, "window": "PT6H"}),
    ("cart_abandonment_rate", {**AFTER, **WHOLE, "emptied": "excluded", "horizon": "P7D", "segment": "trait.plan"}),
    ("cart_abandonment_rate", {**AFTER, **WHOLE, "entity": "session", "inactivity": "PT20M", "recovery": "P2D"}),
    ("checkout_abandonment_rate", {**MIDDLE, **AUTUMN, "segment": "country"}),
    ("checkout_abandonment_rate", {**AFTER, **WHOLE, "horizon": "PT3H", "filter": "country:nin:DE,FR"}),
    ("dau", {**MIDDLE, "segment": "country"}),
    ("wau", {**AFTER, "from": "2026-10-25", "to": "2026-10-26", "events": "page_viewed,tour_taken", "min_events": "2"}),
    ("mau", {**AFTER, "from": "2026-10-25", "to": "2026-10-26", "segment": "trait.plan"}),
    ("mau", {**MIDDLE, "filter": "device:ne:mobile", "tz": "America/New_York"}),
    ("stickiness", {**MIDDLE}),
    ("stickiness", {**AFTER, "from": "2026-10-25", "to": "2026-10-26", "variant": "wau_mau"}),
    ("resolution_time", {**MIDDLE, **AUTUMN, "statistic": "mean", "segment": "agent"}),
    ("resolution_time", {**AFTER, **WHOLE, "statistic": "km_median", "pending": "exclude", "segment": "priority"}),
    ("resolution_time", {**MIDDLE, "window": "P7D", "attribution": "cohort", "clock": "first", "statistic": "p90"}),
    ("first_response_time", {**MIDDLE, **AUTUMN, "statistic": "km_median", "sla": "PT4H"}),
    ("first_response_time", {**AFTER, **WHOLE, "statistic": "mean", "bots": "true", "segment": "country"}),
    ("reopen_rate", {**MIDDLE, **AUTUMN, "segment": "agent"}),
    ("reopen_rate", {**AFTER, **WHOLE, "thank_you": "count", "within": "P3D"}),
    *((metric, {**MIDDLE, **AUTUMN, **more}) for metric, more in DEFINED),
    *((metric, {**AFTER, **WHOLE, "segment": "country", **more}) for metric, more in DEFINED),
    ("backlog", {**MIDDLE, "segment": "priority"}),
    ("backlog", {**AFTER, **AUTUMN, "segment": "agent", "compare": "previous"}),
]
