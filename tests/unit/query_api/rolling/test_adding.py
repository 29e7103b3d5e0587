"""Parts add up to the whole, through the text in which they are kept."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from query_api.parameters import parse
from query_api.question import Cell, Scored
from query_api.rolling.adding import Bucket, added, decode, encode
from schemas.metrics import METRICS
from schemas.tenants import Tenant

TENANT = Tenant(id="demo", timezone="UTC", currency="EUR")
CARTS = parse(METRICS["cart_abandonment_rate"], [], TENANT, 10**12).question
FULL = Cell(
    segment=("DE",),
    n=3,
    numerator=2,
    denominator=3,
    mature=1,
    members=3,
    last_known=50,
    persons=40,
    durations=[1, 5],
    values={7: 2},
    other_values={"USD": {1: 1}},
    events={10: 2},
    censored={20: 1},
    scores=[Scored("", Fraction(1, 3), True, 2)],
    classes={"buy": 2},
    excluded={"bot": 1},
    by_currency={"USD": (5, 1)},
    details={"recovered": 1},
)


def test_cells_are_read_as_they_were_written() -> None:
    read, empty = decode(encode([FULL, Cell()]))
    assert replace(read, replicates=()) == FULL
    assert encode([empty]) == encode([Cell()])


def test_what_is_counted_adds_up() -> None:
    later = replace(FULL, durations=[3], scores=[Scored("", Fraction(1, 3), True, 1)], events={10: 1, 30: 1})
    total, cell = added(CARTS, [Bucket(0, 50, [Cell(), FULL]), Bucket(50, 100, [Cell(), later])], 0)
    assert encode([total]) == encode([Cell()])
    assert (cell.n, cell.numerator, cell.denominator, cell.mature, cell.members) == (6, 4, 6, 2, 6)
    assert cell.durations == [1, 3, 5]
    assert cell.events == {10: 3, 30: 1}
    assert cell.scores == [Scored("", Fraction(1, 3), True, 3)]
    assert (cell.excluded, cell.details, cell.by_currency) == ({"bot": 2}, {"recovered": 2}, {"USD": (10, 2)})


def test_a_person_has_several_units_where_the_one_before_is_in_the_window_too() -> None:
    second = [Bucket(50, 100, [Cell(n=1, persons=40)])]
    assert added(CARTS, second, 50)[0].persons == 1
    assert added(CARTS, [Bucket(0, 50, [Cell(n=1)]), *second], 0)[0].persons == 1  # of two units: not all are others'
    assert added(CARTS, [Bucket(0, 50, [Cell(n=1)]), Bucket(50, 100, [Cell(n=1)])], 0)[0].persons == 2
