"""The registry of metrics: what is not in it does not exist, and all that is shown of a metric comes from it."""

from __future__ import annotations

from schemas.metrics.abandonment import CART_ABANDONMENT_RATE, CHECKOUT_ABANDONMENT_RATE
from schemas.metrics.activity import DAU, MAU, STICKINESS, WAU
from schemas.metrics.conversion import CONVERSION_RATE, SIGN_UP_RATE
from schemas.metrics.events import EVENT_COUNT, VISITS
from schemas.metrics.metric import Metric
from schemas.metrics.orders import ORDERS, REVENUE
from schemas.metrics.purchases import AVERAGE_ORDER_VALUE, PURCHASE_FREQUENCY, REPEAT_PURCHASE_RATE
from schemas.metrics.purposes import VISIT_PURPOSE
from schemas.metrics.referral import REFERRAL_RATE
from schemas.metrics.reviews import REVIEW_RATING
from schemas.metrics.scores import CES, CSAT, NPS
from schemas.metrics.service import SERVICE_TO_SALE_RATE
from schemas.metrics.support import BACKLOG, FIRST_RESPONSE_TIME, REOPEN_RATE, RESOLUTION_TIME
from schemas.metrics.surveys import SURVEY_RESPONSE_RATE
from schemas.metrics.trials import TRIAL_TO_PAID_RATE

GROUPS: dict[str, tuple[Metric, ...]] = {
    "commerce": (
        CONVERSION_RATE,
        CART_ABANDONMENT_RATE,
        CHECKOUT_ABANDONMENT_RATE,
        ORDERS,
        REVENUE,
        AVERAGE_ORDER_VALUE,
        PURCHASE_FREQUENCY,
        REPEAT_PURCHASE_RATE,
        SERVICE_TO_SALE_RATE,
    ),
    "support": (RESOLUTION_TIME, FIRST_RESPONSE_TIME, REOPEN_RATE, BACKLOG),
    "scores": (NPS, CSAT, CES, SURVEY_RESPONSE_RATE, REVIEW_RATING),
    "growth": (SIGN_UP_RATE, REFERRAL_RATE, TRIAL_TO_PAID_RATE),
    "activity": (DAU, WAU, MAU, STICKINESS, VISITS, VISIT_PURPOSE, EVENT_COUNT),
}
"""All metrics, by what they are about, in the order in which they are shown."""

METRICS: dict[str, Metric] = {metric.name: metric for group in GROUPS.values() for metric in group}
