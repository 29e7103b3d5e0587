"""First contact resolution: contacts gathered into issues, and whether the first one of each settled it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from schemas.facts import CUSTOMER_REPLY, RESOLVED, UNRESOLVED, with_person
from schemas.limits import NEVER_MS
from schemas.metrics.contacts import IN_WINDOW, PLACE, contact_event
from schemas.metrics.metric import Example, Kind, Metric, Parameter, Shape, Variant
from schemas.metrics.support import reopening
from schemas.metrics.units import CONTACT_DIMENSIONS

_DIMENSIONS = "actor_ AS actor, country_ AS country, channel_ AS channel, device_ AS device, agent_ AS agent"
_TURN = (
    "started_at",
    "id",
    "actor",
    "country",
    "channel",
    "device",
    "agent",
    "reason",
    "is_call",
    "ended_at",
    "said",
    "said_at",
    "is_unsolvable",
    "is_passed_on",
    "event_ids",
)
"""What is known of one contact on an issue, in the order of the tuple that holds it."""
_BY_TICKET, _BY_TOPIC, _ALONE = 1, 2, 3
"""How contacts come to be of one issue: they name a ticket, or the person and what it is about; or none of that."""

_CALLS = with_person(f"""
        SELECT id, {_DIMENSIONS}, started_at, ended_at, topic, ticket_ AS ticket, event_ids,
          if(bot != '', 'bot', '') AS reason, 1 AS is_call,
          multiIf(bitAnd(word.6, {RESOLVED}) != 0, 1, bitAnd(word.6, {UNRESOLVED}) != 0, 2, 0) AS said,
          word.1 AS said_at, is_unsolvable, {PLACE.format("first_answer")} AS since,
          arrayExists(x -> {PLACE.format("x")} > since, transfers) AS is_passed_on
        FROM contacts_ever WHERE answered_at > 0""")


def _gathered(parameters: Mapping[str, Any]) -> str:
    """Calls and chats that an agent had, with the issue that each is about."""
    channel = "channel" if parameters["scope"] == "channel" else "''"
    chain = f"PARTITION BY way, person, topic, {channel} ORDER BY started_at, id ROWS BETWEEN UNBOUNDED PRECEDING AND"
    return f"""
      SELECT *, multiIf(way = {_BY_TICKET}, (way, ticket, '', '', toUInt64(0)),
                        way = {_BY_TOPIC}, (way, person, topic, toString({channel}), chain),
                        (way, id, '', '', toUInt64(0))) AS issue
      FROM (
        SELECT *, toUInt64(sum(begins) OVER ({chain} CURRENT ROW)) AS chain
        FROM (
          SELECT *, started_at - lagInFrame(started_at, 1, toInt64(-{NEVER_MS})) OVER ({chain} CURRENT ROW)
              >= {{within:Int64}} AS begins
          FROM (SELECT *, multiIf(ticket != '', {_BY_TICKET}, person != '', {_BY_TOPIC}, {_ALONE}) AS way
                FROM ({_CALLS}))))"""


_REASON = "multiIf(is_bot, 'bot', is_removed, 'removed', '')"
_LEGS = f"""SELECT ticket, groupArray((started_at, ended_at)) AS legs FROM ({_CALLS}) WHERE ticket != ''
        GROUP BY ticket"""
_TICKETS = f"""
      SELECT t.*, ({_BY_TICKET}, id, '', '', toUInt64(0)) AS issue
      FROM (
        SELECT id, {_DIMENSIONS}, created_at AS started_at, toInt64(0) AS ended_at, event_ids,
          {_REASON} AS reason, 0 AS is_call, 0 AS said, toInt64(0) AS said_at, 0 AS is_unsolvable,
          0 AS is_passed_on
        FROM tickets_at WHERE created_at < {NEVER_MS} AND NOT created_by_agent) AS t
      LEFT JOIN ({_LEGS}) AS l ON l.ticket = t.id
      WHERE NOT arrayExists(c -> c.1 <= started_at AND (c.2 = 0 OR started_at <= c.2), l.legs)"""
"""Tickets whose creation is a contact: not an agent's, and not made while a contact about it went on."""


def _issues(parameters: Mapping[str, Any]) -> str:
    """Each issue with its contacts in order, and whether and when the first of them failed."""
    turn = f"tuple({', '.join(_TURN)}) AS turn"
    later = "arrayPopFront(turns)"
    if parameters["scope"] == "channel":
        later = f"arrayFilter(x -> x.5 = turns[1].5, {later})"
    agreed = "1" if parameters["declared"] == "silence" else "turns[1].11 = 1"
    return f"""
    SELECT turns, issue.1 AS way, turns[1].1 AS begun,
      arrayConcat(arrayMap(x -> x.1, {later}), if(turns[1].11 = 2, [turns[1].12], []),
                  if(is_known AND reopened > 0, [reopened], [])) AS failed,
      arrayFilter(x -> x < begun + {{within:Int64}}, failed) AS early,
      if(is_known, solved, turns[1].10) AS settled,
      empty(early) AND (is_known OR {agreed}) AND settled > 0 AND settled < begun + {{within:Int64}} AS is_done,
      multiIf(notEmpty(early), arrayMin(early), NOT is_done AND {{at:Int64}} - begun >= {{within:Int64}},
              begun + {{within:Int64}} - 1, 0) AS failed_at
    FROM (
      SELECT issue, arraySort(x -> (x.1, x.2), groupArray(turn)) AS turns
      FROM (SELECT issue, {turn} FROM ({_gathered(parameters)}) UNION ALL SELECT issue, {turn} FROM ({_TICKETS}))
      GROUP BY issue) AS i
    LEFT JOIN (SELECT id, 1 AS is_known, turns[1].1 AS solved, {reopening("ignore")} AS again,
                 if(again > 0, turns[again].1, 0) AS reopened
               FROM (SELECT id, turns, replies FROM tickets_at)) AS t
      ON t.id = if(issue.1 = {_BY_TICKET}, issue.2, '')"""


def _units(parameters: Mapping[str, Any], *, every: bool = False, solvable: bool = False) -> str:
    """First contacts, or `every` one, of which the later ones settle nothing; perhaps only `solvable` ones."""
    columns = ", ".join(f"turn.{place} AS {name}" for place, name in enumerate(_TURN, 1) if name != "reason")
    reason = "multiIf(turn.8 != '', turn.8, is_unsolvable, 'not_solvable', '')" if solvable else "turn.8"
    return f"""
    SELECT {columns}, started_at AS entered, {reason} AS reason, place = 1 AS is_first, is_first AND is_done AS hit,
      if(is_first, failed_at, entered) AS outcome_at, '' AS outcome_id, {{within:Int64}} AS h,
      reason = '' AND hit AND is_passed_on AS transferred, reason = '' AND is_first AND way = {_ALONE} AS unlinked
    FROM (SELECT *, arrayJoin({"arrayEnumerate(turns)" if every else "[1]"}) AS place, turns[place] AS turn
          FROM ({_issues(parameters)}))
    WHERE {IN_WINDOW.format("turn.1")}"""


_UNTOUCHED = f"""NOT arrayExists(x -> bitAnd(x.6, {CUSTOMER_REPLY}) != 0, steps)
        AND NOT arrayExists(c -> c.1 > created_at, legs)"""


def _tickets(_: Mapping[str, Any], once: str) -> str:
    """Tickets created in the window and solved now; `once` is the condition on what is written in them."""
    return f"""
    SELECT id, {_DIMENSIONS}, event_ids, created_at AS entered, {_REASON} AS reason, {once} AS hit,
      if(hit, 0, created_at) AS outcome_at, '' AS outcome_id, {{within:Int64}} AS h, 0 AS transferred, 0 AS unlinked
    FROM tickets_at AS t LEFT JOIN ({_LEGS}) AS l ON l.ticket = t.id
    WHERE is_solved AND {IN_WINDOW.format("created_at")}"""


def _variant(name: str, meaning: str, formula: str, units: Callable[[Mapping[str, Any]], str], **more: Any) -> Variant:
    return Variant(name, meaning, {"units": units, "formula": formula, **more})


_OPTIONS = {"entity": "issue", "outcome": "mark", "curve": True, "outcome_label": "failed"}
FIRST_CONTACT_RESOLUTION_RATE = Metric(
    name="first_contact_resolution_rate",
    title="First contact resolution rate",
    meaning="Of the issues first contacted in the window, the share that the first contact settled: the ticket solved "
    "or the call over, and nobody came back for the same within R.",
    formula="issues settled at the first contact, no repeat within R / issues first contacted",
    unit="ratio",
    direction="higher_is_better",
    shape=Shape.RATE,
    attribution="cohort",
    units=_units,
    segments=CONTACT_DIMENSIONS,
    horizon="within",
    parameters=(
        Parameter("within", Kind.DURATION, "P7D", "How long a repeat on the same issue counts (R).", least=1),
        Parameter("scope", Kind.CHOICE, "any", "Whether contacts of other channels are repeats.", ("any", "channel")),
        Parameter(
            "declared",
            Kind.CHOICE,
            "silence",
            "Who says that a call settled it: nobody said otherwise, or an agent said so.",
            ("silence", "agent"),
        ),
    ),
    excluded=("bot", "not_solvable", "removed"),
    details=("transferred", "unlinked"),
    clustered=True,
    options=_OPTIONS,
    otherwise="Suppliers define it apart, by 10 to 20 points: of all contacts (gross), without those that the first "
    "level could not settle (net), tickets after which the customer said nothing (Freshservice), "
    "one-touch tickets (Zendesk). Popular articles divide the other way round, or ask customers in a "
    "survey. Never compare across definitions.",
    edges=(
        "An issue is the ticket that a contact names, else its person and topic until R passes without one.",
        "A contact of nobody is an issue by itself (details.unlinked).",
        "Transferred within the same contact is still the first contact (details.transferred).",
        "Reopened and solved again without a human reply between is a thank-you.",
        "Definitions differ by 10 to 20 points: never compare across them.",
    ),
    example=Example(
        events=(
            contact_event("k1", "Call Answered", "2026-11-02T09:00:00Z", "u1", call_id="k1", topic="billing"),
            contact_event("k2", "Call Ended", "2026-11-02T09:10:00Z", call_id="k1"),
            contact_event("k3", "Call Answered", "2026-11-02T10:00:00Z", "u2", call_id="k3", topic="login"),
            contact_event("k4", "Call Ended", "2026-11-02T10:10:00Z", call_id="k3"),
            contact_event("k5", "Call Answered", "2026-11-03T10:00:00Z", "u2", call_id="k5", topic="login"),
        ),
        query={"from": "2026-11-02", "to": "2026-11-03", "at": "2026-11-20T00:00:00Z"},
        expected={"value": 0.5, "numerator": 1, "denominator": 2, "n": 2, "maturity": 1.0},
    ),
    variants=(
        _variant(
            "gross",
            "Of all contacts, the repeated ones included.",
            "issues settled at the first contact / contacts",
            partial(_units, every=True),
        ),
        _variant(
            "net",
            "Of all contacts but those that the first level could not settle.",
            "issues settled at the first contact / contacts that the first level could settle",
            partial(_units, every=True, solvable=True),
        ),
        _variant(
            "freshservice",
            "Solved tickets after whose creation the customer neither wrote nor called.",
            "solved tickets without further interaction of the customer / solved tickets",
            partial(_tickets, once=_UNTOUCHED),
        ),
        _variant(
            "zendesk",
            "One-touch tickets: solved with exactly one public reply of an agent.",
            "solved tickets with one reply / solved tickets",
            partial(_tickets, once="length(replies) = 1"),
        ),
        _variant(
            "zendesk_older",
            "One-touch tickets as they were once defined: solved with fewer than two public replies of an agent.",
            "solved tickets with fewer than two replies / solved tickets",
            partial(_tickets, once="length(replies) < 2"),
        ),
        _variant(
            "articles",
            "The inverse, as popular articles print it: how many issues there are to one that was settled.",
            "issues first contacted / issues settled at the first contact",
            _units,
            unit="issues",
            direction="lower_is_better",
            options={"entity": "issue", "outcome": "mark", "inverse": True},
        ),
    ),
)
