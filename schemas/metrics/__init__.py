"""The registry of metrics: what is not in it does not exist, and all that is shown of a metric comes from it."""

from __future__ import annotations

from schemas.metrics.abandonment import CART_ABANDONMENT_RATE, CHECKOUT_ABANDONMENT_RATE
from schemas.metrics.activity import DAU, MAU, STICKINESS, WAU
from schemas.metrics.events import EVENT_COUNT, VISITS
from schemas.metrics.metric import Metric
from schemas.metrics.orders import ORDERS, REVENUE
from schemas.metrics.purposes import VISIT_PURPOSE
from schemas.metrics.reviews import REVIEW_RATING
from schemas.metrics.scores import CES, CSAT, NPS
from schemas.metrics.support import BACKLOG, FIRST_RESPONSE_TIME, REOPEN_RATE, RESOLUTION_TIME
from schemas.metrics.surveys import SURVEY_RESPONSE_RATE

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        EVENT_COUNT,
        VISITS,
        ORDERS,
        REVENUE,
        CART_ABANDONMENT_RATE,
        CHECKOUT_ABANDONMENT_RATE,
        DAU,
        WAU,
        MAU,
        STICKINESS,
        RESOLUTION_TIME,
        FIRST_RESPONSE_TIME,
        REOPEN_RATE,
        BACKLOG,
        NPS,
        CSAT,
        CES,
        SURVEY_RESPONSE_RATE,
        REVIEW_RATING,
        VISIT_PURPOSE,
    )
}
