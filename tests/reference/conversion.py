"""Cohorts that wait for an outcome of their person: visits and carts, people without an account, service contacts."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.reference.asking import Asked
from tests.reference.copies import VISITS, Copy, canonical_name
from tests.reference.counting import VISIT_GAP, Known, carts, passes
from tests.reference.outcome import cohort_unit
from tests.reference.purchases import void
from tests.reference.unit import Unit, first_of

CART = {"entity": "cart", "inactivity": 3_600_000, "recovery": 30 * 86_400_000, "emptied": "abandoned"}


def goals(known: Known, names: str, void_window: int) -> dict[str, list[int]]:
    """When each person reached one of the goals."""
    wanted = {canonical_name(name) for name in names.split(",")}
    found: dict[str, list[int]] = defaultdict(list)
    if "order_completed" in wanted:
        for order in known.carts.orders.values():
            if order.person and not order.bot and not void(order, void_window):
                found[order.person].append(order.time)
    for copy in known.canonical:
        if copy.name in wanted - {"order_completed"} and copy.actor and not copy.bot:
            found[known.people.person(copy.actor)].append(copy.time)
    return {person: sorted(times) for person, times in found.items()}


def visit_events(known: Known, asked: Asked) -> Iterator[tuple[Copy, Unit]]:
    for copy in known.canonical:
        if copy.name in VISITS:
            unit = known.single(copy, "bot" if copy.bot else "" if copy.actor else "no_actor")
            if passes(unit, asked):
                yield copy, unit


def first_in_window(known: Known, asked: Asked) -> Iterator[Unit]:
    """Each person's first selected visit event of the window; those of bots and of nobody one by one."""
    seen: set[str] = set()
    for copy, unit in visit_events(known, asked):
        if asked.start <= copy.time < asked.until and (unit.reason or unit.person not in seen):
            seen |= set() if unit.reason else {unit.person}
            yield unit


def conversion(known: Known, asked: Asked) -> Iterator[Unit]:
    if asked.definition.startswith(("cart", "checkout")):
        yield from _carts(known, asked)
        return
    horizon = int(asked.parameters["horizon"])
    reached = goals(known, str(asked.parameters["goal"]), int(asked.parameters["void_window"]))
    if asked.definition == "people":
        for unit in first_in_window(known, asked):
            if not unit.reason:
                cohort_unit(unit, known.at, horizon, _first(reached, unit, None))
            yield unit
        return
    begun: dict[str, list[Unit]] = defaultdict(list)
    latest: dict[str, int] = {}
    for copy, unit in visit_events(known, asked):
        if unit.reason:
            if asked.start <= copy.time < asked.until:
                yield unit
            continue
        if unit.person not in latest or copy.time - latest[unit.person] >= VISIT_GAP:
            begun[unit.person].append(unit)
        latest[unit.person] = copy.time
    for units in begun.values():
        yield from _credited(units, reached, known.at, horizon, asked)


def _first(reached: dict[str, list[int]], unit: Unit, until: int | None) -> int | None:
    """The person's first goal from the unit's entry on and before `until`."""
    times = reached.get(unit.person, [])
    place = bisect_left(times, unit.entry)
    found = times[place] if place < len(times) else None
    return None if found is None or (until is not None and found >= until) else found


def _credited(units: list[Unit], reached: dict[str, list[int]], at: int, horizon: int, asked: Asked) -> Iterator[Unit]:
    """A person's units in their order: an outcome belongs to the latest begun at or before it."""
    for unit, later in zip(units, [*(unit.entry for unit in units[1:]), None], strict=True):
        if asked.start <= unit.entry < asked.until:
            cohort_unit(unit, at, horizon, _first(reached, unit, later))
            yield unit


def _carts(known: Known, asked: Asked) -> Iterator[Unit]:
    """Emptied carts stay; a checkout told before the cart's first addition counts from the cart's creation."""
    horizon = int(asked.parameters["horizon"])
    for unit in carts(known, replace(asked, parameters={**CART, "horizon": horizon})):
        unit.details = {}
        basket = known.carts.baskets.get(unit.id)
        if not unit.reason and basket is not None:
            orders = [order.time for order in basket.orders if not void(order, int(asked.parameters["void_window"]))]
            cohort_unit(unit, known.at, horizon, min(orders, default=None))
            ordered = unit.success
            if asked.definition != "cart":
                told = orders + [copy.time for copy in basket.copies if copy.name == "checkout_started"]
                cohort_unit(unit, known.at, horizon, max(unit.entry, min(told)) if told else None)
            if asked.definition == "checkout_to_order":
                if not unit.success:
                    continue
                unit.success = ordered
        yield unit


def sign_up(known: Known, asked: Asked) -> Iterator[Unit]:
    horizon, visitors, wanted = int(asked.parameters["horizon"]), asked.parameters["visitors"], asked.parameters["type"]
    signed: dict[str, list[tuple[int, str]]] = defaultdict(list)
    seen: dict[str, int] = {}
    for copy in known.canonical:
        person = known.people.person(copy.actor)
        if copy.bot or not person:
            continue
        if copy.name == "signed_up":
            signed[person].append((copy.time, copy.text("type") or "organic"))
        if copy.name in VISITS:
            seen.setdefault(person, copy.time)
    for unit in first_in_window(known, asked):
        if not unit.reason:
            before = any(time < unit.entry for time, _ in signed[unit.person])
            if visitors != "all" and before:
                unit.reason = "already_signed_up"
            elif visitors == "new" and seen[unit.person] < unit.entry:
                unit.reason = "not_new"
            later = [time for time, kind in signed[unit.person] if time >= unit.entry and wanted in ("", kind)]
            cohort_unit(unit, known.at, horizon, min(later, default=None))
        yield unit


def service_to_sale(known: Known, asked: Asked) -> Iterator[Unit]:
    kind, horizon = asked.parameters["contact"], int(asked.parameters["horizon"])
    units: list[Unit] = []
    if kind in ("all", "ticket"):
        for ticket in known.tickets:
            reason = "bot" if min(ticket.copies, key=lambda copy: copy.order).bot else "removed" * ticket.removed
            dimensions = known.dimensions(ticket.copies, ticket.dimension)
            unit = Unit(f"ticket {ticket.id}", ticket.entry, dimensions, known.person(ticket.copies), reason)
            units.append(unit)
    if kind in ("all", "call"):
        units += _begun(known, "call_started", lambda copy: copy.text("initial_call_id") or copy.text("call_id"))
    if kind in ("all", "chat"):
        units += _begun(known, "live_chat_conversation_started", lambda copy: copy.text("conversation_id"))
    of: dict[str, list[Unit]] = defaultdict(list)
    for unit in units:
        unit.reason = unit.reason or ("" if unit.person else "no_actor")
        if not unit.reason:
            of[unit.person].append(unit)
        elif asked.start <= unit.entry < asked.until:
            yield unit
    reached = goals(known, "order_completed", int(asked.parameters["void_window"]))
    for found in of.values():
        found.sort(key=lambda unit: (unit.entry, unit.id))
        yield from _credited(found, reached, known.at, horizon, asked)


def _begun(known: Known, name: str, key: Callable[[Copy], str]) -> Iterator[Unit]:
    by_id: dict[str, list[Copy]] = defaultdict(list)
    for copy in known.copies:
        if copy.name == name and key(copy):
            by_id[key(copy)].append(copy)
    for contact, copies in by_id.items():
        person = known.people.person(first_of(copies, lambda copy: copy.actor))
        first = min(copies, key=lambda copy: copy.order)
        yield Unit(
            f"{name} {contact}", first.time, known.dimensions(copies), person, "bot" if first.bot else ""
        )  # fmt: skip
