"""Self-service: what menus and bots settle by themselves, by the four ways in which it can end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from schemas.events import canonical
from schemas.facts import (
    AGENT_HAS,
    BROKEN,
    FLOWED,
    OUT_OF_HOURS,
    PASSED_ON,
    STEPS,
    with_person,
)
from schemas.metrics.contacts import DIMENSIONS, IN_WINDOW, contact_event
from schemas.metrics.metric import Example, Kind, Metric, Parameter, Shape, Variant
from schemas.metrics.units import CONTACT_DIMENSIONS
from schemas.tables import NO_NUMBER

OUTCOMES = ("completed", "abandoned", "transferred", "technical")
"""How self-service can end: every entry ends in exactly one of these ways."""
_MENU, _OPTION = STEPS.index("ivr_menu_entered"), STEPS.index("ivr_option_selected")
_SHOWN_PER_DEPTH = 10


def _any(marks: int) -> str:
    return f"arrayExists(x -> bitAnd(x.6, {marks}) != 0, steps)"


def _completed(goals: str) -> str:
    """A goal was reached; where none is named, ended by the flow of the menu is one too."""
    named = {canonical(name.strip()) for name in goals.split(",") if name.strip()} or {"ivr_goal_reached"}
    kinds = [kind for kind, name in enumerate(STEPS) if name in named]
    reached = f"arrayExists(x -> has({kinds}, x.5), steps)" if kinds else "0"
    return reached if goals else f"({reached} OR {_any(FLOWED)})"


_MENU_BEFORE = f"arrayLast(y -> y.5 = {_MENU}, arraySlice(steps, 1, i))"
_DEPTH = f"""multiIf(steps[i].9 != {NO_NUMBER}, steps[i].9,
          {_MENU_BEFORE}.5 = {_MENU} AND {_MENU_BEFORE}.9 != {NO_NUMBER}, {_MENU_BEFORE}.9, 1)"""
_CHOSEN = f"""arrayDistinct(arrayMap(i -> concat(toString({_DEPTH}), '/', steps[i].8),
        arrayFilter(i -> steps[i].5 = {_OPTION} AND steps[i].8 != '', arrayEnumerate(steps))))"""
_NEVER = 2**62
_BACK = """arrayFilter(c -> c.2 != id AND c.1 >= entered AND c.1 < entered + {within:Int64}
        AND (c.3 = '' OR intent = '' OR c.3 = intent), had)"""


def _entries(parameters: Mapping[str, Any], hit: str = "") -> str:
    """Entries into self-service; `hit` is the condition that a share without a horizon counts."""
    rows = f"""
      SELECT id, {DIMENSIONS}, entered_at AS entered, intent, {_CHOSEN} AS top_intents,
        multiIf({_any(PASSED_ON | AGENT_HAS)}, 'transferred', {_completed(parameters["goals"])}, 'completed',
                {_any(BROKEN)}, 'technical', 'abandoned') AS ending,
        multiIf(bot != '', 'bot', {_any(OUT_OF_HOURS)}, 'out_of_hours',
                ending IN ('abandoned', 'technical') AND ended_at > 0 AND ended_at - entered < {{engagement:Int64}},
                'too_short', '') AS reason
      FROM contacts_at WHERE {IN_WINDOW.format("entered_at")}"""
    handled = with_person(
        "SELECT actor_ AS actor, started_at, id, intent FROM contacts_at WHERE answered_at > 0 AND actor_ != ''"
    )
    details = ", ".join(f"reason = '' AND ending = '{name}' AS {name}" for name in OUTCOMES)
    return f"""
    SELECT e.* EXCEPT (person), e.person = '' AND reason = '' AS unknown_caller,
      if(ending = 'completed', arrayMin(arrayPushBack(arrayMap(c -> c.1, {_BACK}), {_NEVER})), entered) AS back_at,
      {details},
      {"toInt64(0)" if hit else f"if(back_at < {_NEVER}, back_at, 0)"} AS outcome_at,
      completed AND back_at < {_NEVER} AS repeated,
      {hit or "0"} AS hit, {"toInt64(0)" if hit else "{within:Int64}"} AS h, '' AS outcome_id
    FROM ({with_person(rows)}) AS e
    LEFT JOIN (SELECT person, groupArray((started_at, id, intent)) AS had FROM ({handled}) GROUP BY person) AS o
      ON o.person = e.person"""


def _top(tally: Mapping[str, int]) -> list[dict[str, Any]]:
    """What was chosen most at each depth of the menus."""
    told = [(int(depth), -n, intent) for key, n in tally.items() for depth, _, intent in [key.partition("/")]]
    listed: list[dict[str, Any]] = []
    for depth, n, intent in sorted(told):
        if sum(row["depth"] == depth for row in listed) < _SHOWN_PER_DEPTH:
            listed.append({"depth": depth, "intent": intent, "n": -n})
    return listed


def _share(name: str, meaning: str, formula: str, direction: str, hit: str) -> Variant:
    units: Callable[[Mapping[str, Any]], str] = partial(_entries, hit=hit)
    options = {"entity": "contact", "outcome": "mark"}
    changes = {"units": units, "formula": formula, "direction": direction, "horizon": None, "options": options}
    return Variant(name, meaning, changes)


SELF_SERVICE_CONTAINMENT_RATE = Metric(
    name="self_service_containment_rate",
    title="Self-service containment rate",
    meaning="Of those who entered self-service in the window (a menu of the phone, a bot in a chat), the share who "
    "reached their goal there and needed no agent for the same soon after.",
    formula="goal reached in self-service, no agent for the same within R / entries into self-service",
    unit="ratio",
    direction="higher_is_better",
    shape=Shape.RATE,
    attribution="cohort",
    units=_entries,
    segments=CONTACT_DIMENSIONS,
    horizon="within",
    parameters=(
        Parameter("within", Kind.DURATION, "PT24H", "How long coming back to an agent undoes it (R).", least=1),
        Parameter("engagement", Kind.DURATION, "PT10S", "What is over before this long and settled nothing is out."),
        Parameter(
            "goals",
            Kind.TEXT,
            "",
            "Events of contacts that are the goal, by commas; empty: ivr_goal_reached, or a menu that ended by itself.",
            pattern="[^,]+(,[^,]+)*",
        ),
    ),
    excluded=("bot", "out_of_hours", "too_short"),
    details=(*OUTCOMES, "repeated", "unknown_caller", "top_intents"),
    tallied={"top_intents": _top},
    clustered=True,
    options={"entity": "contact", "outcome": "absence", "outcome_label": "agent"},
    otherwise="Suppliers count everybody who was not passed on (definition=naive): who hangs up, and who calls "
    "again an hour later, is then a success. Reaching the goal is asked for here, and no agent for the "
    "same within R.",
    edges=(
        "completed + abandoned + transferred + technical = n.",
        "Queued, transferred or had by an agent is transferred, whatever was reached before.",
        "Who hangs up is abandoned, no success.",
        "Where either contact names no intent they are taken to be about the same.",
        "Of an unknown caller nobody can know whether they came back (details.unknown_caller).",
    ),
    example=Example(
        events=(
            contact_event("k1", "IVR Menu Entered", "2026-11-10T09:00:00Z", "u1", call_id="k1", depth=1),
            contact_event("k2", "IVR Option Selected", "2026-11-10T09:00:20Z", "u1", call_id="k1", intent="balance"),
            contact_event("k3", "IVR Goal Reached", "2026-11-10T09:01:00Z", call_id="k1"),
            contact_event("k4", "IVR Menu Entered", "2026-11-10T10:00:00Z", "u2", call_id="k4", depth=1),
            contact_event("k5", "Call Queued", "2026-11-10T10:01:00Z", call_id="k4"),
        ),
        query={"from": "2026-11-10", "to": "2026-11-11", "at": "2026-11-20T00:00:00Z"},
        expected={
            "value": 0.5,
            "numerator": 1,
            "denominator": 2,
            "details": {"completed": 1, "transferred": 1, "top_intents": [{"depth": 1, "intent": "balance", "n": 1}]},
        },
    ),
    variants=(
        _share(
            "naive",
            "Everybody who was not passed on, hang-ups included, as suppliers often count.",
            "entries that were not transferred / entries into self-service",
            "higher_is_better",
            "ending != 'transferred'",
        ),
        _share(
            "abandonment",
            "Those who gave up.",
            "entries abandoned / entries into self-service",
            "lower_is_better",
            "ending = 'abandoned'",
        ),
        _share(
            "handoff",
            "Those who were handed over to an agent or a queue.",
            "entries transferred / entries into self-service",
            "lower_is_better",
            "ending = 'transferred'",
        ),
    ),
)
