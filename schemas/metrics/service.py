"""From service to sale: who bought after they had asked for help, whichever way they asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.events.in_sql import told
from schemas.facts import with_person
from schemas.limits import NEVER_MS
from schemas.metrics.conversion import SALES, credited
from schemas.metrics.metric import Example, Kind, Metric, Parameter, Shape
from schemas.metrics.units import ENTITY_DIMENSIONS

_TICKETS = f"""
    SELECT concat('ticket ', id) AS id, if(created_at < {NEVER_MS}, created_at, first_at) AS entered,
      actor_ AS actor, country_ AS country, channel_ AS channel, device_ AS device, is_bot, is_removed, event_ids
    FROM tickets_at"""


def _begun(kind: str, event: str, *keys: str) -> str:
    """Contacts by the events that begin them; a later leg that names the first one is no other contact."""
    place = "(time, UUIDToNum(event_id))"
    dimensions = ", ".join(
        f"argMinIf(toString({name}), {place}, {name} != '') AS own_{name}"
        for name in ("actor", "country", "channel", "device")
    )
    named = f"arrayFirst(x -> x != '', [{', '.join(told(key, event) for key in keys)}])"
    return f"""
    SELECT concat('{kind} ', key) AS id, toUnixTimestamp64Milli(began) AS entered, own_actor AS actor,
      own_country AS country, own_channel AS channel, own_device AS device, is_bot, toUInt8(0) AS is_removed,
      ids AS event_ids
    FROM (
      SELECT {named} AS key, min(time) AS began, {dimensions}, argMin(bot, {place}) AS is_bot,
        groupUniqArray(event_id) AS ids
      FROM events WHERE tenant = {{tenant:String}} AND name = '{event}' AND time < $at GROUP BY key)
    WHERE key != ''"""


_CONTACTS: Mapping[str, str] = {
    "ticket": _TICKETS,
    "call": _begun("call", "call_started", "initial_call_id", "call_id"),
    "chat": _begun("chat", "live_chat_conversation_started", "conversation_id"),
}


def _sales(parameters: Mapping[str, Any]) -> str:
    wanted = parameters["contact"]
    contacts = " UNION ALL ".join(sql for kind, sql in _CONTACTS.items() if wanted in ("all", kind))
    rows = f"""SELECT * EXCEPT (is_bot, is_removed),
        multiIf(is_bot, 'bot', is_removed, 'removed', actor = '', 'no_actor', '') AS reason
      FROM ({contacts}) WHERE entered >= {{start:Int64}} AND entered < {{reach:Int64}}"""
    begun = f"""
    SELECT *, leadInFrame(entered) OVER (PARTITION BY reason, person ORDER BY entered, id
                                         ROWS BETWEEN 1 FOLLOWING AND 1 FOLLOWING) AS next
    FROM ({with_person(rows)})"""
    return f"SELECT * EXCEPT (person, next) FROM ({credited(begun, SALES)})"


def _event(message_id: str, name: str, time: str, user: str, **properties: object) -> Mapping[str, Any]:
    return {
        "messageId": message_id,
        "event": name,
        "timestamp": f"2026-11-{time}Z",
        "userId": user,
        "properties": properties,
    }


SERVICE_TO_SALE_RATE = Metric(
    name="service_to_sale_rate",
    title="Service-to-sale rate",
    meaning="Of the contacts with the service begun in the window (tickets, calls, chats), the share after which the "
    "person bought within the horizon; an order belongs to the latest contact before it.",
    formula="contacts with an order within horizon / contacts",
    unit="ratio",
    direction="higher_is_better",
    shape=Shape.RATE,
    attribution="cohort",
    by_entry=True,
    units=_sales,
    segments=ENTITY_DIMENSIONS,
    horizon="horizon",
    parameters=(
        Parameter("horizon", Kind.DURATION, "P7D", "How long an order may take to count.", least=1),
        Parameter(
            "void_window", Kind.DURATION, "PT0S", "An order cancelled within this time after it is no conversion."
        ),
        Parameter("contact", Kind.CHOICE, "all", "Which contacts.", ("all", "ticket", "call", "chat")),
    ),
    excluded=("bot", "no_actor", "removed"),
    clustered=True,
    options={"entity": "contact", "outcome": "presence", "outcome_label": "order", "lookahead": "horizon"},
    edges=(
        "A call back that names the first call is the same contact.",
        "A ticket counts at its creation, else at its first event.",
        "Of several contacts only the latest before the order gets it; filters come after.",
    ),
    otherwise="Articles count every order of somebody who once had a contact, or none without a coupon; here the "
    "order has to follow the contact within the horizon, and only the latest contact before it gets it.",
    example=Example(
        events=(
            _event("t1", "Ticket Created", "10T09:00:00", "u1", ticket_id="t1"),
            _event("o1", "Order Completed", "11T09:00:00", "u1", order_id="o1"),
            _event("k2", "Call Started", "10T10:00:00", "u2", call_id="k2"),
        ),
        query={"from": "2026-11-10", "to": "2026-11-11", "at": "2026-11-20T00:00:00Z"},
        expected={"value": 0.5, "numerator": 1, "denominator": 2, "maturity": 1.0},
    ),
)
