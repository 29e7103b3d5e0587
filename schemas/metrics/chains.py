"""How far each unit of a funnel came, in SQL: its deepest chain of events, one step after another.

The events that may follow one in a chain lie together in the person's order: from the next event on, up to the first
that is too late, or comes after an excluded one. Therefore, going forward, of the events that reached a step only the
last need be remembered (it has the latest first step); going backward from the deepest level, of those that can still
reach it only the earliest. Each step costs two passes over the array of a unit's events. `windowFunnel` does not do:
it lets one event be several steps, breaks ties by chance and tells no times.

Arrays run parallel: `events` (place, time, mask of its steps, excluded events of earlier instants, and up to its own,
whether it may begin) and `of` (event id, actor and dimensions).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Condition = tuple[int, str, str, tuple[str, ...]]
"""What an event needs to be a step (the first is 0): property, operator and values."""
_NO_STEP = "toUInt64(99)"
_NONE = "(toUInt32(0), toInt64(0), toUInt64(0), toInt64(0))"
_NO_CHAIN = "(toUInt32(0), toUInt32(0), toInt64(0), toUInt64(0), toInt64(0), emptyArrayUInt32())"
_BEGUN = "(SELECT whose FROM filtered WHERE reason = '' AND begins)"
OF_CHAIN = (
    """whose, begin_of.1 AS event_id, '' AS reason, times, chain_ids, begin_of.2 AS first_of, last_of.2 AS last_of"""
)
"""The columns of a unit: who, its first event, when each step was reached by which event, and the dimensions of the
first event and of the last."""


def _follows(earlier: tuple[str, str, str], later: tuple[str, str, str], order: str) -> str:
    """Whether an event (place, time, excluded before it) may be the next step after one (…, excluded up to it)."""
    (place, time, excluded), (next_place, next_time, next_excluded) = earlier, later
    directly = f" AND {next_place} = {place} + 1" if order == "strict" else ""
    soon = f"{next_time} - {time} <= {{step_within:Int64}}"
    return f"{soon} AND {next_excluded} <= {excluded}{directly}"


def _takes(step: int) -> str:
    return f"bitTest(e.3, {step - 1})"


def dimensions(parameters: Mapping[str, Any]) -> str:
    """What is kept of an event for the units: its person, and the dimensions by which they are cut."""
    return f"tuple({', '.join(['person', *parameters['cut']])} $traits) AS dimensions"


def of_units() -> str:
    """One row a unit that has a first step in the window: its events in the order of their time.

    Those of one time and sequence stand as the steps do, what is no step after them; the second event that could be the
    same steps as one before it is the second of these. An excluded event of the same instant is not between:
    `stopped_before` counts those of earlier ones, `stopped` those up to the instant.
    """
    rows = f"""
    SELECT whose, arraySort(groupArray((entered, sequence, UUIDToNum(event_id), mask, toUInt8(stops), toUInt8(begins),
        held, event_id, dimensions))) AS by_id,
      arrayEnumerateUniq(arrayMap(x -> (x.1, x.2, x.4, x.7), by_id)) AS nth,
      arrayMap((x, n) -> if(x.4 = 0, {_NO_STEP}, bitPositionsToArray(x.4)[least(n, bitCount(x.4))]), by_id, nth)
        AS step,
      arraySort((x, k) -> (x.1, x.2, k, x.3), by_id, step) AS own
    FROM filtered WHERE reason = '' AND whose IN {_BEGUN} GROUP BY whose"""
    return f"""
    SELECT whose, own, arrayCumSum(x -> x.5, own) AS in_order,
      arrayMap(x -> (x.1, x.2), own) AS instants,
      arrayFill((c, is_new) -> is_new, arrayMap((c, x) -> c - x.5, in_order, own),
                arrayMap((x, i) -> i = 1 OR x != instants[i - 1], instants, arrayEnumerate(instants)))
        AS stopped_before,
      arrayReverseFill((c, is_last) -> is_last, in_order,
                arrayMap((x, i) -> i = length(instants) OR x != instants[i + 1], instants, arrayEnumerate(instants)))
        AS stopped
    FROM ({rows})"""


def ordered(parameters: Mapping[str, Any]) -> str:
    """The units with the events of their chain, each step after the one before."""
    steps: Sequence[str] = parameters["steps"]
    attempts, hold = parameters["counting"] == "attempts", parameters["hold"]
    rows = f"""
    SELECT whose, arrayFilter(x -> x.1.3 != 0, arrayMap(
        (x, place, before, up_to, attempt) ->
          ((place, x.1, x.4, toUInt64(before), toUInt64(up_to), x.6), (x.8, x.9), x.7, attempt),
        own, arrayEnumerate(own), stopped_before, stopped, arrayCumSum(x -> bitAnd(x.4, 1), own))) AS found
    FROM ({of_units()})"""
    if attempts or hold:
        # What tells the groups of a person's events apart: no chain has events of two.
        keys = [*(["attempt"] if attempts else []), *(["held"] if hold else [])]
        rows = f"""
    SELECT whose, {", ".join(keys)}, arraySort(x -> x.1.1, groupArray(each)) AS found
    FROM (SELECT whose, each, each.3 AS held, each.4 AS attempt FROM ({rows}) ARRAY JOIN found AS each)
    GROUP BY whose, {", ".join(keys)} HAVING arrayExists(x -> x.1.6 = 1, found)"""
    rows = f"SELECT whose, found.1 AS events, found.2 AS of, arrayEnumerate(found) AS places FROM ({rows})"
    if parameters["strict_increase"]:
        rows = f"""
    SELECT *, arrayMap(d -> d != 0, arrayPushFront(arrayPopFront(arrayDifference(events.2)), 1)) AS begin_ties,
      arrayPushBack(arrayPopFront(begin_ties), 1) AS end_ties FROM ({rows})"""
    rows = _backward(parameters, _forward(parameters, rows, len(steps)), len(steps))
    found = f"""
    SELECT whose, level, chain, arrayMap(i -> events[i].2, chain) AS times, of[chain[1]] AS begin_of,
      of[chain[-1]] AS last_of, arrayMap(i -> of[i].1, chain) AS chain_ids, events[chain[1]].1 AS begin_place
    FROM (SELECT *, arrayFirst(x -> x.1 > 0, able_1).6 AS chain FROM ({rows}))"""
    if hold and not attempts:
        found = f"""
    SELECT whose, best.1 AS times, best.2 AS begin_of, best.3 AS last_of, best.4 AS chain_ids
    FROM (SELECT whose, argMax((times, begin_of, last_of, chain_ids), (level, -toInt64(begin_place))) AS best
          FROM ({found}) GROUP BY whose)"""
    return f"SELECT {OF_CHAIN} FROM ({found})"


def _forward(parameters: Mapping[str, Any], rows: str, steps: int) -> str:
    """The deepest `level`: `reached_k` has (place, time, excluded up to it, time of the latest first step) or none."""
    rows = f"SELECT *, arrayMap(e -> if(e.6 = 1, (e.1, e.2, e.5, e.2), {_NONE}), events) AS reached FROM ({rows})"
    rows = f"SELECT * EXCEPT (reached), reached AS reached_1, toUInt32(1) AS level_1 FROM ({rows})"
    ok = _follows(("b.1", "b.2", "b.3"), ("e.1", "e.2", "e.4"), parameters["order"])
    for step in range(2, steps + 1):
        before = f"arrayPopBack(arrayPushFront(arrayFill(x -> x.1 > 0, reached_{step - 1}), {_NONE}))"
        if parameters["strict_increase"]:
            before = f"arrayFill((x, is_new) -> is_new, {before}, begin_ties)"
        rows = f"""SELECT * EXCEPT (reached_{step - 1}, level_{step - 1}),
      arrayMap((b, e) -> if({_takes(step)} AND b.1 > 0 AND e.2 - b.4 <= {{within:Int64}} AND {ok},
                            (e.1, e.2, e.5, b.4), {_NONE}), {before}, events) AS reached_{step},
      level_{step - 1} + arrayExists(x -> x.1 > 0, reached_{step}) AS level_{step} FROM ({rows})"""
    return f"SELECT * EXCEPT (reached_{steps}, level_{steps}), toUInt32(level_{steps}) AS level FROM ({rows})"


def _backward(parameters: Mapping[str, Any], rows: str, steps: int) -> str:
    """What can be step k of a chain to `level`: `able_k` has (number, place, time, excluded before it, time of the
    chain's end, numbers of its events), or none; each goes on to the earliest that can.
    """
    ok = _follows(("e.1", "e.2", "e.5"), ("a.2", "a.3", "a.4"), parameters["order"])
    after = f"arrayMap(e -> {_NO_CHAIN}, events)"
    for step in range(steps, 0, -1):
        takes = _takes(step) if step > 1 else "e.6 = 1"
        soon = " AND a.5 - e.2 <= {within:Int64}" if step == 1 else ""
        rows = f"""SELECT *{f" EXCEPT (able_{step + 1})" if step < steps else ""},
      arrayMap((a, e, i) -> multiIf(NOT ({takes}) OR level < {step}, {_NO_CHAIN},
                                    level = {step}, (i, e.1, e.2, e.4, e.2, [i]),
                                    a.1 > 0 AND {ok}{soon}, (i, e.1, e.2, e.4, a.5, arrayPushFront(a.6, i)),
                                    {_NO_CHAIN}), {after}, events, places) AS able_{step} FROM ({rows})"""
        after = f"arrayPopFront(arrayPushBack(arrayReverseFill(x -> x.1 > 0, able_{step}), {_NO_CHAIN}))"
        if parameters["strict_increase"]:
            after = f"arrayReverseFill((x, is_new) -> is_new, {after}, end_ties)"
    return rows


def unordered(parameters: Mapping[str, Any]) -> str:
    """The units with the events by which, one after another, more of the steps could be given different ones.

    So many of some steps as events can be given is, by Kőnig, the least over their subsets of the steps outside it and
    the events that any in it takes. Steps of different names share no event: each name's are counted by themselves.
    """
    steps, subsets = parameters["steps"], _subsets(parameters["steps"], parameters["conditions"])
    numbers = range(len(subsets))
    events = "arrayMap((x, place) -> (place, x.1, x.4, x.6, x.8, x.9), own, arrayEnumerate(own))"
    # Each first step asks how many events there are up to the end of its window: at one time those come before it.
    merged = """arraySort(arrayConcat(arrayMap(e -> (e.2, toUInt8(0), e.1, e.3, e.4), events),
        arrayMap(e -> (e.2 + {within:Int64}, toUInt8(1), e.1, toUInt32(0), toUInt8(0)),
                 arrayFilter(e -> e.4 = 1, events))))"""
    up_to = ", ".join(
        f"arrayCumSum(x -> x.2 = 0 AND bitAnd(x.4, {mask}) != 0, merged) AS up_to_{n}" for n, mask in enumerate(subsets)
    )
    within = ", ".join(
        f"""arrayMap((upper, lower, x) -> toInt64(upper) - toInt64(lower) + (bitAnd(x.4, {mask}) != 0),
          arrayFilter((c, x) -> x.2 = 1, up_to_{n}, merged), arrayFilter((c, x) -> x.5 = 1, up_to_{n}, merged),
          arrayFilter(x -> x.5 = 1, merged)) AS within_{n}"""
        for n, mask in enumerate(subsets)
    )
    rank = f"({', '.join(f'c{n}' for n in numbers)}) -> {_rank(steps, subsets)}"
    levels = f"arrayMap({rank}, {', '.join(f'within_{n}' for n in numbers)})"
    running = f"arrayMap({rank}, {', '.join(f'arrayCumSum(x -> bitAnd(x.3, {m}) != 0, soon)' for m in subsets)})"
    raised = f"arrayPopFront(arrayDifference(arrayPushFront({running}, toInt64(0))))"
    rows = f"SELECT whose, {events} AS events FROM ({of_units()})"
    rows = f"SELECT whose, events, merged, {up_to} FROM (SELECT whose, events, {merged} AS merged FROM ({rows}))"
    rows = f"SELECT whose, events, {levels} AS levels FROM (SELECT whose, events, {within} FROM ({rows}))"
    rows = f"""
    SELECT whose, arrayFilter(e -> e.4 = 1, events)[indexOf(levels, arrayMax(levels))] AS first_step,
      arrayFilter(e -> e.1 >= first_step.1 AND e.2 - first_step.2 <= {{within:Int64}}, events) AS soon FROM ({rows})"""
    rows = f"""
    SELECT whose, arrayFilter((e, raises) -> raises > 0, soon, {raised}) AS chain, chain.2 AS times,
      chain.5 AS chain_ids, (chain[1].5, chain[1].6) AS begin_of, (chain[-1].5, chain[-1].6) AS last_of FROM ({rows})"""
    return f"SELECT {OF_CHAIN} FROM ({rows})"


def _subsets(steps: Sequence[str], conditions: Sequence[Condition]) -> list[int]:
    """The masks of steps whose events are counted: of each name all subsets, or all of its steps if they are alike."""
    own = [sorted(each[1:] for each in conditions if each[0] == number) for number in range(len(steps))]
    found = []
    for name in dict.fromkeys(steps):
        numbers = [number for number, step in enumerate(steps) if step == name]
        every = sum(1 << number for number in numbers)
        alike = all(own[number] == own[numbers[0]] for number in numbers)
        found += [every] if alike else _parts(numbers)
    return found


def _parts(numbers: Sequence[int]) -> list[int]:
    return [
        sum(1 << number for place, number in enumerate(numbers) if chosen >> place & 1)
        for chosen in range(1, 1 << len(numbers))
    ]


def _rank(steps: Sequence[str], subsets: Sequence[int]) -> str:
    """How many steps can be given different events, if for subset n there are `c<n>` of them."""
    parts = []
    for name in dict.fromkeys(steps):
        every = sum(1 << number for number, step in enumerate(steps) if step == name)
        least = [f"toInt64(c{n}) + {(every & ~mask).bit_count()}" for n, mask in enumerate(subsets) if mask & every]
        parts.append(f"least({', '.join([f'toInt64({every.bit_count()})', *least])})")
    return " + ".join(parts)
