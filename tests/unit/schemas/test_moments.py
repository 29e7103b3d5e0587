"""What is told of a unit reads the columns of these units: it never outlives them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from schemas.metrics import METRICS
from schemas.metrics.metric import Moment, Variant
from schemas.metrics.support import FIRST_RESPONSE_TIME

MOMENT = Moment("told", "told_at")


@pytest.mark.parametrize("name", METRICS)
def test_a_definition_with_other_units_declares_its_own_moments_or_has_none(name: str) -> None:
    metric = METRICS[name]
    for variant in metric.variants:
        defined = metric.defined(variant.name)
        inherited = metric.moments if defined.units is metric.units else ()
        assert defined.moments == variant.changes.get("moments", inherited)


def test_moments_go_with_the_units_that_they_read() -> None:
    other, same = Variant("other", "", {"units": "SELECT 1"}), Variant("same", "", {"formula": "the same units"})
    metric = replace(
        FIRST_RESPONSE_TIME,
        moments=(MOMENT,),
        variants=(other, same),
        under={("bots", "true"): {"units": "SELECT 2"}, ("bots", "false"): {"by_entry": True}},
    )
    assert metric.defined("default").moments == metric.defined("same").moments == (MOMENT,)
    assert metric.defined("other").moments == ()
    assert metric.asked_with({"bots": "true"}).moments == ()
    assert metric.asked_with({"bots": "false"}).moments == (MOMENT,)
    assert metric.defined("same").by_entry
    assert not metric.defined("other").by_entry
