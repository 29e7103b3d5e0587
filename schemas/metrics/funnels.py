"""Funnels: how many people went from one event to the next, where they left, and how long it took.

Served at a route of its own, as the number is a list; declared like a metric. Any event may be a step, so that units
come from the archive: `units` marks the events that matter, `narrowed` makes each unit's deepest chain of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.events.fields import spellings
from schemas.facts import copies_apart
from schemas.metrics.chains import dimensions, ordered, unordered
from schemas.metrics.journey import journeys, marked, selected_rows
from schemas.metrics.metric import Example, Kind, Metric, Parameter, Shape
from schemas.metrics.units import ENTITY_DIMENSIONS

WITHIN = "P14D"
"""How long after its first step a unit may reach the others, unless a caller says otherwise."""
_COLUMNS = ("name", "sequence", "actor", "bot", "session_id", "country", "channel", "device")


def property_text(keys: str, count: int) -> str:
    """The text of a property that a caller names, a truth value too; its `count` spellings are bound as `keys`."""
    each = [
        f"""multiIf(JSONType(own_properties, {key}) = 'String', JSONExtractString(own_properties, {key}),
          JSONType(own_properties, {key}) IN ('Int64', 'UInt64', 'Double', 'Bool'),
          JSONExtractRaw(own_properties, {key}), '')"""
        for key in (f"{{{keys}:Array(String)}}[{number}]" for number in range(1, count + 1))
    ]
    return f"arrayFirst(x -> x != '', [{', '.join(each)}])"


def _takes(parameters: Mapping[str, Any], step: int) -> str:
    """Whether an event can be a step, the first being 0."""
    found = [f"own_name = {{steps:Array(String)}}[{step + 1}]"]
    for number, (of, key, operator, _) in enumerate(parameters["conditions"]):
        if of == step:
            text = property_text(f"keys_{number}", len(spellings(key)))
            has = f"has({{values_{number}:Array(String)}}, {text})"
            found.append(has if operator in ("eq", "in") else f"NOT {has}")
    return " AND ".join(found)


def _selects(parameters: Mapping[str, Any]) -> str:
    """The events of the window and up to `within` after it that are a step or excluded; for strict order all others of
    the person's too.
    """
    if not parameters["steps"]:
        return selected_rows()
    is_strict, hold = parameters["order"] == "strict", parameters["hold"]
    named = """AND event_id IN (SELECT event_id FROM events WHERE tenant = {tenant:String}
      AND name IN {named:Array(String)} AND time >= $low AND time < $reach)"""
    columns = [*_COLUMNS, *(["person_class"] if is_strict else [])]
    columns += ["properties"] if parameters["conditions"] or hold else []
    events = copies_apart(columns, "" if is_strict else named).replace("$until", "$reach")
    own = ", ".join(f"own_{name} AS {name}" for name in _COLUMNS)
    steps = " + ".join(
        f"toUInt32({_takes(parameters, step)}) * {1 << step}" for step in range(len(parameters["steps"]))
    )
    held = property_text("held_keys", len(spellings(hold))) if hold else "''"
    # A first step without the held property goes nowhere.
    mask = f"if(held = '', bitAnd({steps}, 1), {steps})" if hold else steps
    return f"""
    SELECT event_id, entered, {own}, {held} AS held, toUInt32({mask}) AS mask,
      own_name IN {{excluding:Array(String)}} AS stops
    FROM ({events}) WHERE mask != 0 OR stops {"OR own_person_class" if is_strict else ""}"""


def _marked(parameters: Mapping[str, Any]) -> str:
    """The events with whose they are, whether a unit may begin with them, and why not."""
    if not parameters["steps"]:
        return marked(parameters)
    by_session = parameters["counting"] == "session"
    begins = "mask != 0" if parameters["order"] == "unordered" else "bitAnd(mask, 1) != 0"
    return f"""
    SELECT event_id, entered, sequence, mask, stops, held, {"session_id" if by_session else "person"} AS whose,
      is_selected AND {begins} AND entered < {{until:Int64}} AS begins,
      multiIf(bot, 'bot', whose = '', '{"no_session" if by_session else "no_actor"}', '') AS reason,
      {dimensions(parameters)}
    FROM selected_rows"""


def _chains(parameters: Mapping[str, Any]) -> str:
    if not parameters["steps"]:
        return journeys(parameters)
    chains = unordered(parameters) if parameters["order"] == "unordered" else ordered(parameters)
    return f"""{chains}
    UNION ALL
    SELECT '' AS whose, event_id, reason, [entered] AS times, [event_id] AS chain_ids, dimensions AS first_of,
      dimensions AS last_of FROM filtered WHERE reason != '' AND begins"""


def _parameter(name: str, kind: Kind, default: str | None, meaning: str, **more: Any) -> Parameter:
    return Parameter(name, kind, default, meaning, **more)


_DAY = {"from": "2026-11-18", "to": "2026-11-19", "at": "2026-12-20T00:00:00Z"}


def _event(message_id: str, name: str, time: str, user: str, **properties: object) -> Mapping[str, Any]:
    return {
        "messageId": message_id,
        "event": name,
        "timestamp": f"2026-11-18T{time}Z",
        "userId": user,
        "properties": properties,
    }


FUNNELS = Metric(
    name="funnels",
    title="Funnel",
    meaning="How many people reached each of several steps, one after another within a window from the first: of those "
    "who took it in the window asked for, the deepest level that any of their first steps led to. Without steps, "
    "the five stages of a customer's journey.",
    formula="people at a step / people at the one before (step_rate), at the first (rate)",
    unit="people",
    direction="higher_is_better",
    shape=Shape.RATE,
    attribution="cohort",
    selects=_selects,
    units=_marked,
    narrowed=_chains,
    segments=ENTITY_DIMENSIONS,
    parameters=(
        _parameter("steps", Kind.TEXT, "", "Up to twenty names of events, in their order; none: the journey."),
        _parameter(
            "order", Kind.CHOICE, "ordered", "`ordered`: others may come between; `strict`: nothing else of the person "
            "does; `unordered`: how many of the steps were taken, in any order.",
            values=("ordered", "strict", "unordered"),
        ),
        _parameter("within", Kind.DURATION, None, "Longest time from the first step, inclusive; default P14D, in a "
                   "journey 30 days to consideration and purchase, 90 to retention, 180 to advocacy."),
        _parameter("step_within", Kind.DURATION, None, "Longest time from one step to the next, inclusive."),
        _parameter("exclude", Kind.NAMES, None, "Names of events that must not come between two steps."),
        _parameter("hold", Kind.TEXT, "", "A property that must be there, and the same, in all steps."),
        _parameter("strict_increase", Kind.BOOLEAN, "false", "Whether each step must be later than the one before: "
                   "without it events of one instant may be several steps."),
        _parameter("counting", Kind.CHOICE, "person", "What is counted: people, sessions (by their id), or attempts, "
                   "each from one first step to the next.", values=("person", "session", "attempts")),
        _parameter("breakdown", Kind.CHOICE, "first", "Whose dimensions are a unit's: those of its first step, or of "
                   "the last one that it reached.", values=("first", "last")),
        _parameter("entry", Kind.CHOICE, "first", "Of a journey: whether it begins with awareness, or with what of "
                   "awareness, consideration and purchase comes first.", values=("first", "any")),
    ),
    excluded=("bot", "no_actor", "no_session"),
    edges=(
        "One event is one step. At one time and sequence they stand in the order of the steps, unless strict_increase.",
        "Of events that could each be several steps, the first of an instant stands as the first of them, and so on.",
        "An excluded event of the same instant as a step is not between.",
        "Of several first steps the earliest that leads to the deepest level counts, with the earliest events.",
        "An event exactly `within` after the first step still counts.",
        "Low and high are the limits of step_rate; the step rates of one funnel depend on each other.",
        "median_seconds is that of everybody at the step before (Kaplan–Meier): who has not gone on counts too.",
    ),
    sources=("ClickHouse windowFunnel", "PostHog, Mixpanel and Amplitude: funnels"),
    options={"marks": True, "entity": "person", "outcome": "mark"},
    example=Example(
        events=(
            _event("v1", "Product Viewed", "09:00:00", "u1", product_id="p1"),
            _event("a1", "Product Added", "09:05:00", "u1", product_id="p1", cart_id="c1"),
            _event("v2", "Product Viewed", "10:00:00", "u2", product_id="p1"),
        ),
        query={**_DAY, "steps": "product_viewed,product_added"},
        expected={
            "n": 2,
            "steps": [
                {"event": "product_viewed", "people": 2, "rate": 1.0, "step_rate": 1.0, "drop_off": 0.0},
                {"event": "product_added", "people": 1, "rate": 0.5, "step_rate": 0.5, "drop_off": 0.5},
            ],
        },
    ),
)  # fmt: skip
