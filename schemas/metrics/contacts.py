"""Contacts (calls and chats): how many there are, how long agents have them, and how often they are passed on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.facts import BLIND, CONFERENCE, CONSULT, WARM
from schemas.metrics.metric import Example, Kind, Metric, Parameter, Shape, Variant
from schemas.metrics.units import CONTACT_DIMENSIONS

DIMENSIONS = "actor_ AS actor, country_ AS country, channel_ AS channel, device_ AS device, agent_ AS agent, event_ids"
PLACE = "({0}.1, {0}.2, {0}.5, UUIDToNum({0}.3))"
"""Where a step stands in the order of steps."""
IN_WINDOW = "{0} >= {{start:Int64}} AND {0} < {{until:Int64}}"


def contact_event(message_id: str, name: str, time: str, user: str = "", **properties: object) -> Mapping[str, Any]:
    """An event of a worked example."""
    return {"messageId": message_id, "event": name, "timestamp": time, "userId": user, "properties": properties}


def _volume_units(parameters: Mapping[str, Any]) -> str:
    wanted = parameters["direction"]
    other = "0" if wanted == "all" else f"flow != '{wanted}'"
    return f"""
    SELECT id, {DIMENSIONS}, started_at AS entered, if(direction_ = 'outbound', 'outbound', 'inbound') AS flow,
      multiIf(bot != '', 'bot', {other}, flow, '') AS reason, reason = '' AND answered_at > 0 AS handled
    FROM contacts_at WHERE {IN_WINDOW.format("started_at")}"""


CONTACT_VOLUME = Metric(
    name="contact_volume",
    title="Contact volume",
    meaning="How many calls and chats began in the window, and how many of them an agent had.",
    formula="contacts begun",
    unit="contacts",
    direction="neutral",
    shape=Shape.COUNT,
    attribution="cohort",
    units=_volume_units,
    segments=CONTACT_DIMENSIONS,
    parameters=(Parameter("direction", Kind.CHOICE, "inbound", "Who began it.", ("inbound", "outbound", "all")),),
    excluded=("bot", "inbound", "outbound"),
    details=("handled", "per_hour"),
    derived={"per_hour": lambda whole: whole["n"] / whole["hours"] if whole["hours"] else None},
    options={"entity": "contact"},
    otherwise="A switchboard may count legs, so that a call-back is another contact, and leave out contacts that "
    "nobody answered; a help desk counts tickets, of which one may hold several contacts.",
    edges=(
        "A call-back that names the first call is a leg of it, not another contact.",
        "A contact begins with its first event, whatever it is; without a direction it is inbound.",
        "per_hour divides by the hours that the window had: 25 on the day when summer time ends.",
    ),
    example=Example(
        events=(
            contact_event("k1", "Call Started", "2026-11-10T09:00:00Z", "u1", call_id="k1"),
            contact_event("k2", "Call Answered", "2026-11-10T09:01:00Z", call_id="k1", agent_id="g1"),
            contact_event("k3", "Live Chat Message Sent", "2026-11-10T10:00:00Z", "u2", conversation_id="c1"),
            contact_event("k4", "Call Started", "2026-11-10T11:00:00Z", "u3", call_id="k4", direction="outbound"),
        ),
        query={"from": "2026-11-10", "to": "2026-11-11", "at": "2026-11-20T00:00:00Z"},
        expected={"value": 2, "n": 2, "details": {"handled": 1, "per_hour": 2 / 24}, "excluded": {"outbound": 1}},
    ),
)


def _handling_units(parameters: Mapping[str, Any]) -> str:
    parts = sorted(set(parameters["parts"].split(",")))
    answered, ended = IN_WINDOW.format("answered_at"), f"is_over AND {IN_WINDOW.format('ended_at')}"
    return f"""
    SELECT id, {DIMENSIONS}, ended_at > 0 AS is_over, {ended} AS in_window,
      if(in_window, ended_at, answered_at) AS entered,
      if(bot != '', 'bot', '') AS reason, in_window AND reason = '' AS counted, counted AS closed,
      {" + ".join(parts)} AS duration, multiIf(reason != '' OR NOT ({answered}), 0, is_over, 1, 2) AS km,
      if(is_over, duration, {{at:Int64}} - answered_at) AS age, if(is_over, ended_at, 0) AS outcome_at,
      '' AS outcome_id
    FROM contacts_at WHERE answered_at > 0 AND (in_window OR ({answered}))"""


HANDLING_TIME = Metric(
    name="handling_time",
    title="Handling time",
    meaning="How long agents were busy with the contacts that ended in the window: talk, hold and wrap-up; beside it "
    "the median that also counts those which are not over.",
    formula="sum of handling times / contacts ended that an agent had",
    unit="seconds",
    direction="lower_is_better",
    shape=Shape.DURATION,
    attribution="completion",
    units=_handling_units,
    segments=CONTACT_DIMENSIONS,
    statistics=("mean", "median", "p90", "km_median"),
    parameters=(
        Parameter(
            "parts",
            Kind.TEXT,
            "talk,hold,wrap",
            "Which parts are added: talk, hold, wrap.",
            pattern="(talk|hold|wrap)(,(talk|hold|wrap)){0,2}",
        ),
    ),
    excluded=("bot",),
    options={"entity": "contact", "outcome_label": "ended"},
    otherwise="Articles add talk, hold and wrap-up of the contacts that an agent ended, so that what other agents "
    "did before a transfer is lost, or leave the wrap-up out; some show the median, which is shorter.",
    edges=(
        "The seconds in the events (talk_s, hold_s, acw_s) are added over all agents and legs of a contact.",
        "Without talk_s it is the clock from each answer to the next transfer or end.",
        "Without acw_s the wrap-up is the clock from the end of the contact to the end of the wrap-up.",
        "A wrap-up that comes after the end restates the number.",
    ),
    example=Example(
        events=(
            contact_event("k1", "Call Answered", "2026-11-10T09:00:00Z", "u1", call_id="k1", agent_id="g1"),
            contact_event("k2", "Call Ended", "2026-11-10T09:10:00Z", call_id="k1", talk_s=500, hold_s=60),
            contact_event("k3", "Call Wrap-up Ended", "2026-11-10T09:12:00Z", call_id="k1", acw_s=100),
            contact_event("k4", "Call Answered", "2026-11-10T10:00:00Z", "u2", call_id="k4", agent_id="g1"),
            contact_event("k5", "Call Ended", "2026-11-10T10:05:00Z", call_id="k4"),
        ),
        query={"from": "2026-11-10", "to": "2026-11-11", "at": "2026-11-20T00:00:00Z"},
        expected={"value": 480.0, "numerator": 960.0, "denominator": 2, "n": 2},
    ),
)


def _of_kind(mark: int) -> str:
    return f"arrayCount(x -> bitAnd(x.6, {mark}) != 0, passed_on)"


def _transfer_units(parameters: Mapping[str, Any]) -> str:
    apart = CONFERENCE if parameters["consult"] == "count" else CONFERENCE | CONSULT
    in_menu = "length(transfers) - length(passed_on)" if parameters["ivr"] == "count" else "0"
    kinds = {"blind": BLIND, "warm": WARM, "consult": CONSULT, "conference": CONFERENCE}
    details = ", ".join(f"is_counted * {_of_kind(mark)} AS {kind}" for kind, mark in kinds.items())
    return f"""
    SELECT id, {DIMENSIONS}, if(ended_at > 0, ended_at, answered_at) AS entered,
      {PLACE.format("first_answer")} AS since, arrayFilter(x -> {PLACE.format("x")} > since, transfers) AS passed_on,
      multiIf(bot != '', 'bot', ended_at = 0, 'unfinished', '') AS reason, reason = '' AS is_counted,
      toInt64(length(passed_on) - {_of_kind(apart)} + {in_menu}) AS amount, is_counted AND amount > 0 AS transferred,
      {details}, transferred AS hit, toInt64(0) AS h, if(hit, entered, 0) AS outcome_at, '' AS outcome_id
    FROM contacts_at WHERE answered_at > 0 AND {IN_WINDOW.format("if(ended_at > 0, ended_at, answered_at)")}"""


TRANSFERS_PER_CONTACT = Metric(
    name="transfers_per_contact",
    title="Transfers per contact",
    meaning="How often the contacts that ended in the window were passed from one agent or queue to another; only "
    "those which an agent had.",
    formula="transfers after the first agent / contacts ended that an agent had",
    unit="transfers",
    direction="lower_is_better",
    shape=Shape.MEAN,
    attribution="completion",
    units=_transfer_units,
    segments=CONTACT_DIMENSIONS,
    parameters=(
        Parameter(
            "ivr", Kind.CHOICE, "ignore", "Whether being passed to the first agent is a transfer.", ("ignore", "count")
        ),
        Parameter("consult", Kind.CHOICE, "ignore", "Whether a consultation is a transfer.", ("ignore", "count")),
    ),
    excluded=("bot", "unfinished"),
    details=("blind", "warm", "consult", "conference", "transferred", "share"),
    derived={"share": lambda whole: whole["transferred"] / whole["n"] if whole["n"] else None},
    options={"entity": "contact"},
    otherwise="A switchboard may count the way from the menu to the first agent as a transfer, and consultations "
    "too; per contact that arrived rather than per contact that an agent had, the number is lower.",
    edges=(
        "A transfer of unknown type is blind; a conference is no transfer.",
        "The transfers of a call-back are those of the call that it names.",
        "A contact that is not over is left out, by the time of its first answer.",
        "The interval of the mean is Student's t, cut at 0.",
    ),
    example=Example(
        events=(
            contact_event("k1", "Call Answered", "2026-11-10T09:00:00Z", "u1", call_id="k1", agent_id="g1"),
            contact_event("k2", "Call Transferred", "2026-11-10T09:05:00Z", call_id="k1"),
            contact_event("k3", "Call Answered", "2026-11-10T09:06:00Z", call_id="k1", agent_id="g2"),
            contact_event("k4", "Call Ended", "2026-11-10T09:10:00Z", call_id="k1"),
            contact_event("k5", "Call Answered", "2026-11-10T10:00:00Z", "u2", call_id="k5", agent_id="g1"),
            contact_event("k6", "Call Ended", "2026-11-10T10:05:00Z", call_id="k5"),
        ),
        query={"from": "2026-11-10", "to": "2026-11-11", "at": "2026-11-20T00:00:00Z"},
        expected={"value": 0.5, "numerator": 1, "denominator": 2, "n": 2},
    ),
    variants=(
        Variant(
            "share",
            "The share of the contacts that were passed on at least once.",
            {
                "shape": Shape.RATE,
                "unit": "ratio",
                "formula": "contacts with a transfer / contacts ended that an agent had",
                "clustered": True,
                "options": {"entity": "contact", "outcome": "mark", "outcome_label": "transferred"},
            },
        ),
    ),
)
