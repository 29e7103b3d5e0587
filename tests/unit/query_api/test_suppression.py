"""What is hidden because too few stand behind it, on small tables of groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from query_api.parameters import parse
from query_api.question import Cell, Question
from query_api.suppression import Hidden, by_filters, small
from schemas.metrics import METRICS
from schemas.tenants import Tenant

K = 5


def asked(*filters: str, segment: str = "") -> Question:
    query = [("filter", text) for text in filters] + ([("segment", segment)] if segment else [])
    return parse(METRICS["orders"], query, Tenant(id="t"), 0).question


def groups(**sizes: int) -> dict[tuple[str | None, ...], int]:
    return {(name,): size for name, size in sizes.items()}


@pytest.mark.parametrize(
    ("sizes", "hidden"),
    [
        (groups(DE=9, FR=7), set()),
        (groups(DE=9, FR=7, AT=2), {"AT", "FR"}),
        (groups(DE=9, FR=7, AT=2, CH=3), {"AT", "CH"}),
        (groups(DE=9, FR=7, AT=1, CH=2), {"AT", "CH", "FR"}),
        (groups(DE=3), {"DE"}),
    ],
)
def test_hidden_groups_are_several_and_k_together(
    sizes: Mapping[tuple[str | None, ...], int], hidden: set[str]
) -> None:
    assert small(sizes, K) == {(name,) for name in hidden}


class Orders:
    """Counts orders by country and device."""

    def __init__(self, orders: Mapping[tuple[str, str], int]) -> None:
        self.orders = orders

    async def sizes(self, question: Question) -> Sequence[Cell]:
        assert not any(each.dimension in question.segments for each in question.filters)
        found: dict[tuple[str | None, ...], int] = {}
        for (country, device), n in self.orders.items():
            own = {"country": country, "device": device}
            if all(
                (own[each.dimension] in each.values) is (each.operator in ("eq", "in")) for each in question.filters
            ):
                key = tuple(own[name] for name in question.segments)
                found[key] = found.get(key, 0) + n
        return [Cell(n=sum(found.values())), *(Cell(segment=key, n=n) for key, n in found.items())]


ORDERS = Orders(
    {("DE", "mobile"): 50, ("DE", "desktop"): 40, ("FR", "mobile"): 30, ("FR", "desktop"): 1, ("AT", "mobile"): 2}
    | {("CH", "desktop"): 4}
)


@pytest.mark.parametrize(
    ("filters", "hides"),
    [
        (["country:eq:AT"], True),
        (["country:ne:AT"], True),
        (["country:nin:AT,XX"], True),
        (["country:in:DE,FR,AT"], True),
        (["country:in:DE,AT"], True),
        (["country:eq:DE"], False),
        (["country:in:DE,FR"], False),
        (["country:nin:AT,CH"], False),
        (["country:ne:XX"], False),
        (["country:ne:AT", "country:ne:CH"], False),
        (["device:eq:mobile", "country:ne:AT"], True),
        (["device:eq:desktop"], False),
    ],
)
async def test_a_filter_takes_the_hidden_groups_all_or_none(filters: list[str], hides: bool) -> None:
    assert (await by_filters(asked(*filters), K, ORDERS.sizes)).whole is hides
    assert await by_filters(asked(*filters), 0, ORDERS.sizes) == Hidden()


async def test_a_segment_is_hidden_where_the_filter_leaves_few_of_it_out() -> None:
    orders = Orders(
        {("DE", "mobile"): 50, ("FR", "mobile"): 30, ("DE", "desktop"): 40, ("FR", "desktop"): 1, ("AT", "desktop"): 6}
    )
    found = await by_filters(replace(asked("country:ne:FR"), segments=("device",)), K, orders.sizes)
    assert found == Hidden(segments=frozenset({("desktop",)}))
