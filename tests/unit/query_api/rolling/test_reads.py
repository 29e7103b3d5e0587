"""What a metric is made of, read off its SQL."""

from __future__ import annotations

import pytest

from deploy.keeping import FOLDED
from query_api.rolling.reads import names_read
from schemas.metrics import METRICS
from schemas.tenants import Tenant

TENANT = Tenant(id="demo")


@pytest.mark.parametrize(
    ("metric", "with_", "without"),
    [
        ("orders", "order_refunded", "ticket_created"),
        ("resolution_time", "ticket_solved", "order_completed"),
        ("cart_abandonment_rate", "product_added", "survey_question_answered"),
        ("nps", "survey_question_answered", "page_viewed"),
        ("conversion_rate", "page_viewed", "ticket_created"),
    ],
)
def test_a_metric_is_made_of_these_events(metric: str, with_: str, without: str) -> None:
    names = names_read(METRICS[metric], TENANT, FOLDED)
    assert names is not None
    assert with_ in names
    assert without not in names


@pytest.mark.parametrize("metric", ["event_count", "dau", "stickiness"])
def test_these_are_made_of_all_events(metric: str) -> None:
    assert names_read(METRICS[metric], TENANT, FOLDED) is None
