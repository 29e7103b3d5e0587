"""Support: how long until an answer and a solution, how often tickets come back, and how many are waiting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.facts import PENDING
from schemas.metrics.metric import Example, Kind, Metric, Moment, Parameter, Shape
from schemas.metrics.units import TICKET_DIMENSIONS
from schemas.tables import NEVER_MS

_DIMENSIONS = (
    "actor_ AS actor, country_ AS country, channel_ AS channel, device_ AS device, priority_ AS priority, "
    "agent_ AS agent"
)
_IN_WINDOW = "{0} >= {{start:Int64}} AND {0} < {{until:Int64}}"
_STATISTICS = ("mean", "median", "p90", "km_median")


def _event(message_id: str, name: str, time: str, user: str = "", **properties: object) -> Mapping[str, Any]:
    return {"messageId": message_id, "event": name, "timestamp": time, "userId": user, "properties": properties}


_WAITED = f"""arraySum(
        (x, next) -> if(bitAnd(x.6, {PENDING}) != 0,
                        greatest(0, least(next, used_solve) - greatest(x.1, created_at)), 0),
        arrayFilter(x -> x.5 IN (1, 3, 4), steps),
        arrayPushBack(arrayMap(x -> x.1, arrayPopFront(arrayFilter(x -> x.5 IN (1, 3, 4), steps))), used_solve))"""


def _resolution_units(parameters: Mapping[str, Any]) -> str:
    completion = parameters["attribution"] == "completion"
    solve = "turns[1].1" if parameters["clock"] == "first" else "if(is_solved, turns[-1].1, 0)"
    waited = _WAITED if parameters["pending"] == "exclude" else "0"
    entered = "used_solve" if completion else "if(is_known, created_at, first_at)"
    return f"""
    SELECT id, {_DIMENSIONS}, created_at < {NEVER_MS} AS is_known, {solve} AS used_solve, used_solve > 0 AS has_solve,
      {entered} AS entered, {_IN_WINDOW.format("entered")} AS in_window,
      {"has_solve AND" if completion else ""} in_window AS is_unit,
      if(is_unit AND NOT is_known, 'created_unknown', '') AS reason,
      is_unit AND is_known AS counted, counted AND has_solve AS closed,
      if(has_solve, greatest(0, used_solve - created_at - {waited}), 0) AS duration,
      multiIf(NOT is_known OR NOT ({_IN_WINDOW.format("created_at")}), 0, has_solve, 1, 2) AS km,
      if(has_solve, duration, {{at:Int64}} - created_at) AS age,
      used_solve AS outcome_at, '' AS outcome_id, event_ids
    FROM tickets_at WHERE is_unit OR km > 0"""


RESOLUTION_TIME = Metric(
    name="resolution_time",
    title="Resolution time",
    meaning="How long it took to solve the tickets that were solved in the window, from their creation to the latest "
    "solve; beside it the median that also counts those still open.",
    formula="sum of resolution times / tickets resolved",
    unit="seconds",
    direction="lower_is_better",
    shape=Shape.DURATION,
    attribution="completion",
    units=_resolution_units,
    segments=TICKET_DIMENSIONS,
    statistics=_STATISTICS,
    parameters=(
        Parameter("clock", Kind.CHOICE, "full", "Until the latest solve, or the first.", ("full", "first")),
        Parameter(
            "pending",
            Kind.CHOICE,
            "include",
            "Whether time spent waiting for the customer (pending, hold) counts.",
            ("include", "exclude"),
        ),
        Parameter(
            "attribution",
            Kind.CHOICE,
            "completion",
            "Tickets solved in the window, or tickets created in it.",
            ("completion", "cohort"),
        ),
    ),
    under={("attribution", "cohort"): {"by_entry": True}},
    excluded=("created_unknown",),
    moments=(Moment("solved", "used_solve"),),
    options={"entity": "ticket", "outcome_label": "solved"},
    edges=(
        "Divided by tickets resolved, not by tickets received.",
        "A ticket that is open again has no resolution until it is solved again.",
        "Solved twice in a row is solved once.",
    ),
    example=Example(
        events=(
            _event("t1", "Ticket Created", "2026-11-18T09:00:00Z", user="u1", ticket_id="t1"),
            _event("t2", "Ticket Solved", "2026-11-18T10:00:00Z", ticket_id="t1"),
            _event("t3", "Ticket Created", "2026-11-18T09:00:00Z", user="u2", ticket_id="t2"),
            _event("t4", "Ticket Solved", "2026-11-18T12:00:00Z", ticket_id="t2"),
        ),
        query={"from": "2026-11-18", "to": "2026-11-19", "at": "2026-11-20T00:00:00Z"},
        expected={"value": 7200.0, "numerator": 14400.0, "denominator": 2, "n": 2},
    ),
)


def _response_units(parameters: Mapping[str, Any]) -> str:
    replies = "arraySort(arrayConcat(replies, bot_replies))" if parameters["bots"] else "replies"
    return f"""
    SELECT id, {_DIMENSIONS}, created_at < {NEVER_MS} AS is_known, if(is_known, created_at, first_at) AS entered,
      if(is_known, arrayFilter(t -> t >= created_at, {replies})[if(created_by_agent, 2, 1)], 0) AS answered_at,
      answered_at > 0 AS closed,
      multiIf(NOT is_known, 'created_unknown', NOT closed AND is_solved, 'closed_unanswered', '') AS reason,
      reason = '' AS counted, if(closed, answered_at - created_at, 0) AS duration,
      multiIf(reason != '', 0, closed, 1, 2) AS km,
      if(closed, duration, {{at:Int64}} - created_at) AS age, answered_at AS outcome_at, '' AS outcome_id, event_ids
    FROM tickets_at WHERE {_IN_WINDOW.format("entered")}"""


FIRST_RESPONSE_TIME = Metric(
    name="first_response_time",
    title="First response time",
    meaning="How long customers waited for the first public reply of a human agent, for the tickets created in the "
    "window; while some still wait, the Kaplan–Meier median that counts them too.",
    formula="first public human reply - creation",
    unit="seconds",
    direction="lower_is_better",
    shape=Shape.DURATION,
    attribution="cohort",
    by_entry=True,
    units=_response_units,
    segments=TICKET_DIMENSIONS,
    statistics=("median", "mean", "p90", "km_median"),
    parameters=(
        Parameter("bots", Kind.BOOLEAN, "false", "Whether a bot's reply is a response."),
        Parameter("sla", Kind.DURATION, None, "Also the share answered within this time (statistics.sla_share)."),
    ),
    excluded=("closed_unanswered", "created_unknown"),
    moments=(
        Moment("ticket created", "if(is_known, entered, 0)"),
        Moment("first public human reply", "answered_at"),
    ),
    options={"entity": "ticket", "outcome_label": "reply"},
    edges=(
        "Internal notes and bots are no response.",
        "A ticket that an agent opened needs a second public reply.",
        "Solved without a reply: no response time, listed under excluded.",
    ),
    example=Example(
        events=(
            _event("t1", "Ticket Created", "2026-11-18T09:00:00Z", user="u1", ticket_id="t1"),
            _event("t2", "Ticket Replied", "2026-11-18T09:01:00Z", ticket_id="t1", author_type="bot", public=True),
            _event(
                "t3",
                "Ticket Replied",
                "2026-11-18T09:10:00Z",
                ticket_id="t1",
                author_type="agent",
                agent_id="g1",
                public=True,
            ),
        ),
        query={"from": "2026-11-18", "to": "2026-11-19", "at": "2026-11-20T00:00:00Z"},
        expected={"value": 600.0, "n": 1, "maturity": 1.0},
    ),
)


def _reopen_units(parameters: Mapping[str, Any]) -> str:
    counts = "1" if parameters["thank_you"] == "count" else (
        "turns[i + 1].1 = 0 OR arrayExists(t -> t >= turns[i].1 AND t <= turns[i + 1].1, replies)"
    )  # fmt: skip
    return f"""
    SELECT id, {_DIMENSIONS}, turns[1].1 AS entered, {{within:Int64}} AS h, '' AS reason, '' AS outcome_id,
      arrayFirst(i -> {counts}, arrayFilter(i -> i % 2 = 0, arrayEnumerate(turns))) AS turn,
      if(turn > 0, turns[turn].1, 0) AS outcome_at, event_ids
    FROM tickets_at WHERE notEmpty(turns) AND {_IN_WINDOW.format("entered")}"""


REOPEN_RATE = Metric(
    name="reopen_rate",
    title="Reopen rate",
    meaning="Of the tickets first solved in the window, the share that was opened again within the given time.",
    formula="tickets reopened within the time / tickets first solved",
    unit="ratio",
    direction="lower_is_better",
    shape=Shape.RATE,
    attribution="cohort",
    by_entry=True,
    units=_reopen_units,
    segments=TICKET_DIMENSIONS,
    horizon="within",
    parameters=(
        Parameter("within", Kind.DURATION, "P14D", "How long after the first solve a reopening counts.", least=1),
        Parameter(
            "thank_you",
            Kind.CHOICE,
            "ignore",
            "A reopening that is solved again with no public human reply between.",
            ("ignore", "count"),
        ),
    ),
    clustered=True,
    options={"entity": "ticket", "outcome": "presence", "outcome_label": "reopened"},
    edges=("A ticket reopened several times counts once.",),
    example=Example(
        events=(
            _event("t1", "Ticket Created", "2026-11-01T09:00:00Z", user="u1", ticket_id="t1"),
            _event("t2", "Ticket Solved", "2026-11-01T10:00:00Z", ticket_id="t1"),
            _event("t3", "Ticket Reopened", "2026-11-02T10:00:00Z", ticket_id="t1"),
        ),
        query={"from": "2026-11-01", "to": "2026-11-02", "at": "2026-11-20T00:00:00Z"},
        expected={"value": 1.0, "numerator": 1, "denominator": 1, "maturity": 1.0},
    ),
)

_TURN_IN_WINDOW = _IN_WINDOW.format("turns[i].1")
BACKLOG = Metric(
    name="backlog",
    title="Backlog",
    meaning="How many tickets are open (waiting ones too) at T.",
    formula="tickets created - solved + reopened, up to T",
    unit="tickets",
    direction="lower_is_better",
    shape=Shape.LEVEL,
    attribution="state",
    units=f"""
    SELECT id, {_DIMENSIONS}, if(created_at < {NEVER_MS}, created_at, first_at) AS entered, '' AS reason,
      NOT is_solved AS counted, {{until:Int64}} - entered AS age, event_ids,
      ({_IN_WINDOW.format("entered")})
        + arrayCount(i -> i % 2 = 0 AND {_TURN_IN_WINDOW}, arrayEnumerate(turns)) AS inflow,
      arrayCount(i -> i % 2 = 1 AND {_TURN_IN_WINDOW}, arrayEnumerate(turns)) AS outflow
    FROM tickets_then WHERE entered < {{until:Int64}}""",
    segments=TICKET_DIMENSIONS,
    details=("inflow", "outflow", "age_median_seconds"),
    options={"entity": "ticket"},
    edges=(
        "A state, computed from the tickets each time, never a running counter.",
        "Solved twice is solved once, so backlog(t2) = backlog(t1) + inflow - outflow.",
    ),
    example=Example(
        events=(
            _event("t1", "Ticket Created", "2026-11-18T09:00:00Z", user="u1", ticket_id="t1"),
            _event("t2", "Ticket Created", "2026-11-18T10:00:00Z", ticket_id="t2"),
            _event("t3", "Ticket Solved", "2026-11-18T11:00:00Z", ticket_id="t1"),
        ),
        query={"from": "2026-11-18", "to": "2026-11-19", "at": "2026-11-20T00:00:00Z"},
        expected={"value": 1, "n": 1, "details": {"inflow": 2, "outflow": 1}},
    ),
)
