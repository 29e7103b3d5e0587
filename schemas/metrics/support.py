"""Support: how long until an answer and a solution, how often tickets come back, and how many are waiting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.facts import PENDING
from schemas.limits import NEVER_MS
from schemas.metrics.metric import Example, Kind, Metric, Moment, Parameter, Shape, Variant
from schemas.metrics.units import TICKET_DIMENSIONS

_DIMENSIONS = (
    "actor_ AS actor, country_ AS country, channel_ AS channel, device_ AS device, priority_ AS priority, "
    "agent_ AS agent"
)
_IN_WINDOW = "{0} >= {{start:Int64}} AND {0} < {{until:Int64}}"
_STATISTICS = ("mean", "median", "p90", "km_median")


def _event(message_id: str, name: str, time: str, user: str = "", **properties: object) -> Mapping[str, Any]:
    return {"messageId": message_id, "event": name, "timestamp": time, "userId": user, "properties": properties}


_LEFT_OUT = "is_removed, 'removed', NOT is_known, 'created_unknown', ''"
_WAITED = f"""arraySum(
        (x, next) -> if(bitAnd(x.6, {PENDING}) != 0,
                        greatest(0, least(next, used_solve) - greatest(x.1, created_at)), 0),
        arrayFilter(x -> x.5 IN (1, 3, 4), steps),
        arrayPushBack(arrayMap(x -> x.1, arrayPopFront(arrayFilter(x -> x.5 IN (1, 3, 4), steps))), used_solve))"""


_LAST_SOLVE = "if(empty(turns), 0, turns[length(turns) - (length(turns) % 2 = 0)].1)"
"""The latest solve, though the ticket has been opened again since."""


def _resolution_units(parameters: Mapping[str, Any], last: str = "if(is_solved, turns[-1].1, 0)") -> str:
    completion = parameters["attribution"] == "completion"
    solve = "turns[1].1" if parameters["clock"] == "first" else last
    waited = _WAITED if parameters["pending"] == "exclude" else "0"
    entered = "used_solve" if completion else "if(is_known, created_at, first_at)"
    return f"""
    SELECT id, {_DIMENSIONS}, created_at < {NEVER_MS} AS is_known, {solve} AS used_solve, used_solve > 0 AS has_solve,
      {entered} AS entered, {_IN_WINDOW.format("entered")} AS in_window,
      {"has_solve AND" if completion else ""} in_window AS is_unit,
      multiIf(NOT is_unit, '', {_LEFT_OUT}) AS reason,
      is_unit AND is_known AND NOT is_removed AS counted, counted AND has_solve AS closed,
      if(has_solve, greatest(0, used_solve - created_at - {waited}), 0) AS duration,
      multiIf(is_removed OR NOT is_known OR NOT ({_IN_WINDOW.format("created_at")}), 0, has_solve, 1, 2) AS km,
      if(has_solve, duration, {{at:Int64}} - created_at) AS age,
      used_solve AS outcome_at, '' AS outcome_id, event_ids
    FROM tickets_at WHERE is_unit OR km > 0"""


_EVERY_SOLVE = f"""
    SELECT id, {_DIMENSIONS}, created_at < {NEVER_MS} AS is_known, entered, '' AS outcome_id, event_ids,
      multiIf({_LEFT_OUT}) AS reason, reason = '' AS counted, counted AS closed,
      greatest(0, entered - created_at) AS duration, 0 AS km, duration AS age, entered AS outcome_at
    FROM (
      SELECT *, arrayJoin(arrayMap(x -> x.1, arrayFilter((x, i) -> i % 2 = 1, turns, arrayEnumerate(turns)))) AS entered
      FROM tickets_at)
    WHERE {_IN_WINDOW.format("entered")}"""
_PER_TICKET_RECEIVED = f"""
    SELECT id, {_DIMENSIONS}, created_at < {NEVER_MS} AS is_known, if(is_solved, turns[-1].1, 0) AS solved_at,
      {_IN_WINDOW.format("solved_at")} AS is_resolved, is_known AND {_IN_WINDOW.format("created_at")} AS below,
      created_at, if(is_resolved, solved_at, created_at) AS entered, event_ids,
      multiIf({_LEFT_OUT}) AS reason, if(is_resolved, greatest(0, solved_at - created_at), 0) AS above
    FROM tickets_at WHERE is_resolved OR below"""
_REMOVED = "Tickets merged into others, deleted or marked as spam are left out, unless they are taken back."
_OWN_CLOCK = ("default", "zendesk")
_SOLVED = (Moment("solved", "used_solve"),)

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
        Parameter(
            "clock",
            Kind.CHOICE,
            "full",
            "Until the latest solve, or the first.",
            ("full", "first"),
            definitions=_OWN_CLOCK,
        ),
        Parameter(
            "pending",
            Kind.CHOICE,
            "include",
            "Whether time spent waiting for the customer (pending, hold) counts.",
            ("include", "exclude"),
            definitions=_OWN_CLOCK,
        ),
        Parameter(
            "attribution",
            Kind.CHOICE,
            "completion",
            "Tickets solved in the window, or tickets created in it.",
            ("completion", "cohort"),
            definitions=_OWN_CLOCK,
        ),
    ),
    under={("attribution", "cohort"): {"by_entry": True}},
    variants=(
        Variant(
            "zendesk",
            "Zendesk's: a resolution is written down once it happens and stays, so a ticket that has been opened again "
            "keeps the time to its latest solve.",
            {"units": lambda parameters: _resolution_units(parameters, _LAST_SOLVE), "moments": _SOLVED},
        ),
        Variant(
            "chatwoot",
            "Chatwoot's: every solve of the window from the creation of its ticket; one that is opened again and "
            "solved again counts twice.",
            {
                "formula": "sum of (solve - creation) / solves",
                "units": _EVERY_SOLVE,
                "moments": (Moment("solved", "entered"),),
                "statistics": ("mean", "median", "p90"),
            },
        ),
        Variant(
            "articles",
            "What some articles print: the time that the tickets resolved in the window took, divided by the tickets "
            "received in it.",
            {
                "formula": "sum of resolution times / tickets received",
                "units": _PER_TICKET_RECEIVED,
                "moments": (Moment("ticket created", "if(below, created_at, 0)"), Moment("solved", "solved_at")),
                "shape": Shape.RATIO,
                "statistics": (),
                "options": {"entity": "ticket", "scales": (1000, 1)},
            },
        ),
    ),
    sources=(
        "Zendesk: About native Support time duration metrics (support.zendesk.com, article 4408834848154)",
        "Chatwoot: app/listeners/reporting_event_listener.rb (github.com/chatwoot/chatwoot)",
    ),
    excluded=("created_unknown", "removed"),
    moments=_SOLVED,
    options={"entity": "ticket", "outcome_label": "solved"},
    edges=(
        "Divided by tickets resolved, not by tickets received.",
        _REMOVED,
        "A ticket that is open again has no resolution until it is solved again.",
        "Solved twice in a row is solved once.",
    ),
    otherwise="An article may divide by tickets received, which shortens the time; others print the mean of tickets "
    "that happen to be closed, which is too short for recent ones, or stop at the first solve "
    "(clock=first). Business hours and waiting for the customer are taken off by some.",
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
      answered_at > 0 AND NOT is_removed AS closed,
      multiIf(is_removed, 'removed', NOT is_known, 'created_unknown', NOT closed AND is_solved, 'closed_unanswered', '')
        AS reason,
      reason = '' AS counted, if(closed, answered_at - created_at, 0) AS duration,
      multiIf(reason != '', 0, closed, 1, 2) AS km,
      if(closed, duration, {{at:Int64}} - created_at) AS age, answered_at AS outcome_at, '' AS outcome_id, event_ids
    FROM tickets_at WHERE {_IN_WINDOW.format("entered")}"""


def _answered_units(parameters: Mapping[str, Any]) -> str:
    """The same, of those that were answered."""
    return f"""SELECT * EXCEPT (counted, km), is_counted AND closed AS counted, toUInt8(counted) AS km
      FROM (SELECT *, counted AS is_counted FROM ({_response_units(parameters)}))"""


_SINCE_THE_BOT = f"""
    SELECT id, {_DIMENSIONS}, created_at < {NEVER_MS} AS is_known, event_ids, '' AS outcome_id,
      arrayFirst(t -> NOT is_known OR t >= created_at, replies) AS entered,
      multiIf({_LEFT_OUT}) AS reason, reason = '' AS counted, counted AS closed,
      greatest(created_at, arrayMax(arrayPushFront(arrayFilter(t -> t < entered, bot_replies), 0))) AS waits_from,
      if(is_known, entered - waits_from, 0) AS duration, 0 AS km, duration AS age, entered AS outcome_at
    FROM tickets_at WHERE {_IN_WINDOW.format("entered")}"""
_ANSWERED = (
    Moment("ticket created", "if(is_known, entered, 0)"),
    Moment("first public human reply", "answered_at"),
)

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
        Parameter("bots", Kind.BOOLEAN, "false", "Whether a bot's reply is a response.", definitions=_OWN_CLOCK),
        Parameter(
            "sla",
            Kind.DURATION,
            None,
            "Also the share answered within this time (statistics.sla_share).",
            definitions=("default",),
        ),
    ),
    variants=(
        Variant(
            "zendesk",
            "Zendesk's: of the tickets created in the window those that have been answered; who still waits is in no "
            "number.",
            {
                "formula": "first public human reply - creation, of the tickets answered",
                "units": _answered_units,
                "moments": _ANSWERED,
                "statistics": ("median", "mean", "p90"),
            },
        ),
        Variant(
            "chatwoot",
            "Chatwoot's: the first public human replies of the window, since the bot before it spoke last, else since "
            "the creation; also of tickets that an agent opened.",
            {
                "formula": "first public human reply - (last word of a bot before it, else creation)",
                "units": _SINCE_THE_BOT,
                "moments": (
                    Moment("wait began", "if(is_known, waits_from, 0)"),
                    Moment("first public human reply", "entered"),
                ),
                "attribution": "completion",
                "excluded": ("created_unknown", "removed"),
                "statistics": ("mean", "median", "p90"),
            },
        ),
    ),
    sources=(
        "Zendesk: About native Support time duration metrics (support.zendesk.com, article 4408834848154)",
        "Chatwoot: app/listeners/reporting_event_listener.rb (github.com/chatwoot/chatwoot)",
    ),
    excluded=("closed_unanswered", "created_unknown", "removed"),
    moments=_ANSWERED,
    options={"entity": "ticket", "outcome_label": "reply"},
    edges=(
        "Internal notes and bots are no response.",
        _REMOVED,
        "A ticket that an agent opened needs a second public reply.",
        "Solved without a reply: no response time, listed under excluded.",
    ),
    otherwise="Some count an automatic reply or an internal note as a response, or average only the tickets that "
    "were answered: both are shorter than what customers waited.",
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


def _reopening_counts(thank_you: str) -> str:
    """Whether the turn `i`, a reopening, is one: to `ignore` a thank-you is to pass over what was solved again with no
    human reply between.
    """
    if thank_you == "count":
        return "1"
    return "turns[i + 1].1 = 0 OR arrayExists(t -> t >= turns[i].1 AND t <= turns[i + 1].1, replies)"


def reopening(thank_you: str) -> str:
    """The place in `turns` (0: none) at which a ticket was first opened again, told by its `turns` and `replies`."""
    return f"""arrayFirst(i -> {_reopening_counts(thank_you)},
        arrayFilter(i -> i % 2 = 0, arrayEnumerate(turns)))"""


def _reopen_units(parameters: Mapping[str, Any]) -> str:
    return f"""
    SELECT id, {_DIMENSIONS}, turns[1].1 AS entered, {{within:Int64}} AS h, if(is_removed, 'removed', '') AS reason,
      '' AS outcome_id,
      {reopening(parameters["thank_you"])} AS turn,
      if(turn > 0, turns[turn].1, 0) AS outcome_at, event_ids
    FROM tickets_at WHERE notEmpty(turns) AND {_IN_WINDOW.format("entered")}"""


def _reopenings(parameters: Mapping[str, Any]) -> str:
    in_window, counts = _IN_WINDOW.format("turns[i].1"), _reopening_counts(parameters["thank_you"])
    return f"""
    SELECT id, {_DIMENSIONS}, if(is_removed, 'removed', '') AS reason, event_ids,
      arrayFilter(i -> {in_window} AND (i % 2 = 1 OR ({counts})), arrayEnumerate(turns)) AS told,
      arrayCount(i -> i % 2 = 0, told) AS above, arrayCount(i -> i % 2 = 1, told) AS below, turns[told[1]].1 AS entered
    FROM tickets_at WHERE notEmpty(told)"""


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
        Parameter(
            "within",
            Kind.DURATION,
            "P14D",
            "How long after the first solve a reopening counts.",
            least=1,
            definitions=("default",),
        ),
        Parameter(
            "thank_you",
            Kind.CHOICE,
            "ignore",
            "A reopening that is solved again with no public human reply between.",
            ("ignore", "count"),
        ),
    ),
    variants=(
        Variant(
            "events",
            "Reopenings of the window per solve of the window, however often one ticket comes back.",
            {
                "formula": "reopenings / solves",
                "units": _reopenings,
                "shape": Shape.RATIO,
                "attribution": "completion",
                "horizon": None,
                "options": {"entity": "ticket"},
            },
        ),
    ),
    excluded=("removed",),
    clustered=True,
    options={"entity": "ticket", "outcome": "presence", "outcome_label": "reopened"},
    edges=(
        _REMOVED,
        "A ticket reopened several times counts once.",
    ),
    otherwise="Some divide reopenings by solves, so that one ticket counts several times, or by tickets received; "
    "many count a thank-you that reopens the ticket (thank_you=count). Recent solves have had no time to "
    "come back and look better than they are.",
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

_FLOW_IN_WINDOW = _IN_WINDOW.format("flows[i].1")
BACKLOG = Metric(
    name="backlog",
    title="Backlog",
    meaning="How many tickets are open (waiting ones too) at T.",
    formula="tickets created - solved - merged, deleted, spam + reopened, undeleted, up to T",
    unit="tickets",
    direction="lower_is_better",
    shape=Shape.LEVEL,
    attribution="state",
    units=f"""
    SELECT id, {_DIMENSIONS}, if(created_at < {NEVER_MS}, created_at, first_at) AS entered, '' AS reason,
      NOT is_solved AND NOT is_removed AS counted, {{until:Int64}} - entered AS age, event_ids,
      ({_IN_WINDOW.format("entered")})
        + arrayCount(i -> i % 2 = 0 AND {_FLOW_IN_WINDOW}, arrayEnumerate(flows)) AS inflow,
      arrayCount(i -> i % 2 = 1 AND {_FLOW_IN_WINDOW}, arrayEnumerate(flows)) AS outflow
    FROM tickets_then WHERE entered < {{until:Int64}}""",
    segments=TICKET_DIMENSIONS,
    details=("inflow", "outflow", "age_median_seconds"),
    options={"entity": "ticket"},
    edges=(
        "A state, computed from the tickets each time, never a running counter.",
        "Merged, deleted and spam tickets flow out without a solution; undeleted ones flow in again, as they were.",
        "Solved twice is solved once, so backlog(t2) = backlog(t1) + inflow - outflow.",
    ),
    otherwise="A tool may leave out tickets that wait for the customer or are on hold, and a counter that is "
    "updated in place drifts for good once an event was lost or counted twice.",
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
