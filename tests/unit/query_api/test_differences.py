"""Which definitions are held against each other: those that count the same things."""

from __future__ import annotations

import json
from pathlib import Path

from query_api.differences import comparable
from query_api.parameters import parse
from schemas.metrics import METRICS
from schemas.tenants import Tenants
from tests.reference.harness import TENANT


def test_a_definition_alone_with_its_entity_is_not_asked_for_differences(tmp_path: Path) -> None:
    (tmp_path / "tenants.json").write_text(json.dumps({"tenants": [TENANT]}))
    (tenant,) = Tenants(tmp_path / "tenants.json").all
    metric = METRICS["conversion_rate"]
    asked = [parse(metric, [("definition", each)], tenant, 1_790_000_000_000).question for each in metric.definitions]
    found = [question.metric.definition for question in comparable(asked)]
    assert found == ["cart", "cart_to_checkout", "checkout_to_order"]
    assert comparable(asked[:2]) == []
