"""The five stages of a customer's journey in SQL: the funnel without named steps (docs/definitions.md#funnels).

A person enters by the first visit ever. Which purchase is the one whose retention and advocacy follow is tried out, as
what keeps a customer depends on what was bought when.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.events import names_of_family
from schemas.events.in_sql import told
from schemas.facts import copies_apart, with_person
from schemas.metrics.chains import OF_CHAIN, dimensions
from schemas.periods import DAY_MS

STAGES = ("awareness", "consideration", "purchase", "retention", "advocacy")
LIMITS = tuple(days * DAY_MS for days in (30, 30, 30, 90, 180))
"""How long after its beginning a journey can reach each stage."""
AWARE = (*names_of_family("visit"), "promotion_clicked")
CONSIDERED = ("products_searched", "product_viewed", "products_compared", "pricing_viewed")
BOUGHT = ("order_completed", "subscription_started")
_ANSWERED = "survey_question_answered"
_REVIEWS = ("review_posted", "product_reviewed")
AFTERWARDS = ("subscription_renewed", "invite_sent", _ANSWERED, *_REVIEWS)
RETURN_MS = 30 * DAY_MS
"""Who is there on the day that begins so long after a purchase has been kept."""

_BUYERS = with_person("""SELECT DISTINCT actor FROM events WHERE tenant = {tenant:String}
          AND name IN {bought:Array(String)} AND time >= $low AND time < $reach AND actor != ''""")
_ACTORS_OF_BUYERS = f"""SELECT arrayJoin([b.actor, b.person, p.actor]) FROM ({_BUYERS}) AS b
        LEFT JOIN people AS p ON p.person = b.person"""
_NAMED = f"""AND event_id IN (
      SELECT event_id FROM events WHERE tenant = {{tenant:String}} AND time >= $low AND time < $reach
        AND (name IN {{stages:Array(String)}} OR (name IN {{aware:Array(String)}} AND time < $until)
             OR (person_class AND time >= $start + toIntervalMillisecond({RETURN_MS})
                 AND actor IN ({_ACTORS_OF_BUYERS}))))"""
_COLUMNS = ("name", "sequence", "actor", "bot", "person_class", "country", "channel", "device", "properties")


def _is_bought(prefix: str = "") -> str:
    """Whether an event is a purchase; `prefix` stands before its columns."""
    status = told("status", "subscription_started", column=f"{prefix}properties")
    name = f"{prefix}name"
    return f"({name} = 'order_completed' OR ({name} = 'subscription_started' AND {status} IN ('', 'active')))"


def _text(key: str, *events: str) -> str:
    return told(key, *events, column="own_properties")


def selected_rows() -> str:
    """The events that can be a stage, each once."""
    # The beginning must lie in the window, all else may follow it; `until` is told apart before it is made the reach.
    events = copies_apart(_COLUMNS, "$named").replace("$until", "$reach").replace("$named", _NAMED)
    own = ", ".join(f"own_{name} AS {name}" for name in ("actor", "sequence", "country", "channel", "device"))
    return f"""
    SELECT event_id, entered, {own}, own_person_class AS by_person,
      own_name IN {{aware:Array(String)}} AS aware, own_name IN {{considered:Array(String)}} AS considered,
      own_name = 'order_completed' AS is_order, if(is_order, {_text("order_id", "order_completed")}, '') AS order_id,
      {_is_bought("own_")} AS bought, own_name = 'subscription_renewed' AS renews,
      multiIf(own_name = 'invite_sent', 1,
        own_name = '{_ANSWERED}',
          {_text("survey_type", _ANSWERED)} = 'nps' AND ifNull(toFloat64OrNull({_text("score", _ANSWERED)}) >= 9, 0),
        own_name IN {_REVIEWS!r}, ifNull(toFloat64OrNull({_text("rating", *_REVIEWS)}) >= 4, 0),
        0) AS advocates
    FROM ({events}) WHERE NOT own_bot AND own_actor != '' AND (own_person_class OR renews)"""


def marked(parameters: Mapping[str, Any]) -> str:
    """The same, of persons, with what a unit is cut by."""
    return f"SELECT *, {dimensions(parameters)} FROM selected_rows"


def _begins(parameters: Mapping[str, Any], event: str) -> str:
    return f"({event}.3 OR {event}.4 OR {event}.5)" if parameters["entry"] == "any" else f"{event}.3"


def _first_ever(parameters: Mapping[str, Any]) -> str:
    """Who began in the window: persons whose first stage of all is in it."""
    which = "name IN {aware:Array(String)}"
    if parameters["entry"] == "any":
        which = f"({which} OR name IN {{considered:Array(String)}} OR {_is_bought()})"
    first = f"""SELECT actor, min(toUnixTimestamp64Milli(time)) AS seen FROM events
        WHERE tenant = {{tenant:String}} AND {which} AND time < $at AND person_class AND NOT bot AND actor != ''
        GROUP BY actor"""
    return f"""SELECT person AS whose FROM ({with_person(first)}) GROUP BY person
        HAVING min(seen) >= {{start:Int64}} AND min(seen) < {{until:Int64}}"""


def journeys(parameters: Mapping[str, Any]) -> str:
    """The units: everyone who began in the window, with the events of the deepest journey."""
    rows = f"""
    SELECT person AS whose,
      arraySort(x -> (x.1, x.2, multiIf(x.4, 0, x.5, 1, x.6, 2, x.9, 3, x.10, 4, 5), x.3),
        groupArray((entered, sequence, UUIDToNum(event_id), aware, considered, bought, is_order, order_id,
                    renews, advocates, by_person, is_selected, event_id, dimensions))) AS own,
      arrayMap((x, place) -> (place, x.1, x.4, x.5, x.6, x.7, x.8, x.9, x.10, x.11, x.12, x.13, x.14), own,
               arrayEnumerate(own)) AS events,
      arrayFirst(e -> {_begins(parameters, "e")}, events) AS first_event
    FROM filtered WHERE person IN ({_first_ever(parameters)}) GROUP BY person HAVING first_event.11"""
    soon = "e.2 - first_event.2 <= {{limits:Array(Int64)}}[{0}]"
    rows = f"""
    SELECT whose, events, first_event,
      arrayFirst(e -> e.4 AND (e.1 > first_event.1 OR (e.1 = first_event.1 AND NOT first_event.3))
                 AND {soon.format(2)}, events) AS thought,
      arrayMap(e -> (e.1, e.2, e.6, e.7), arrayFilter(e -> thought.1 > 0 AND e.5 AND e.1 > thought.1
                                                      AND {soon.format(3)}, events)) AS purchases,
      arrayMap(e -> (e.1, e.2, e.6, e.7, e.8, e.10),
               arrayFilter(e -> notEmpty(purchases) AND (e.6 OR e.8 OR e.10) AND e.1 > purchases[1].1
                           AND {soon.format(4)}, events)) AS later,
      arrayMap(e -> e.1, arrayFilter(e -> notEmpty(later) AND e.9 AND {soon.format(5)}, events)) AS advocacy
    FROM ({rows})"""
    kept = f"""k.1 > b.1 AND ((k.3 AND (NOT b.3 OR k.4 != b.4)) OR k.5
               OR (k.6 AND k.2 - b.2 >= {RETURN_MS} AND k.2 - b.2 < {RETURN_MS + DAY_MS}))"""
    return f"""
    SELECT {OF_CHAIN} FROM (
    SELECT whose, arrayMap(b -> (b.1, arrayFirst(k -> {kept}, later).1), purchases) AS again,
      arrayMap(a -> arrayFilter(place -> place > 0, [a.1, a.2, if(a.2 > 0, arrayFirst(p -> p > a.2, advocacy), 0)]),
               again) AS paths,
      arrayConcat([first_event.1], if(thought.1 > 0, [thought.1], []),
                  arrayFirst(p -> length(p) = arrayMax(x -> length(x), paths), paths)) AS chain,
      arrayMap(i -> events[i].2, chain) AS times, arrayMap(i -> events[i].12, chain) AS chain_ids,
      (first_event.12, first_event.13) AS begin_of, (events[chain[-1]].12, events[chain[-1]].13) AS last_of
    FROM ({rows}))"""
