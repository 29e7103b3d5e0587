"""Counts of events and of visits: the numbers that need nothing but the archive."""

from __future__ import annotations

from schemas.metrics.metric import Example, Metric, Shape
from schemas.metrics.units import ENTITY_DIMENSIONS, EVENT_DIMENSIONS

SESSION_GAP_MS = 1_800_000

EVENT_COUNT = Metric(
    name="event_count",
    title="Events",
    meaning="How many different events of any kind happened; a copy that was sent again is the same event.",
    formula="distinct events",
    unit="events",
    direction="neutral",
    shape=Shape.COUNT,
    attribution="completion",
    by_entry=True,
    units="""
    SELECT toString(event_id) AS id, entered, actor, '' AS reason, [event_id] AS event_ids, event, country, channel,
      device $traits
    FROM selected_events WHERE entered >= {start:Int64}""",
    segments=EVENT_DIMENSIONS,
    options={"source": "events", "entity": "event"},
    edges=("Bots, people and systems all count.", "A copy with another time counts once, at its earliest."),
    otherwise="A tool that counts requests counts a retry twice; here a copy is the same event, whatever its time. "
    "One that leaves bots out has fewer.",
    example=Example(
        events=(
            {"messageId": "m1", "event": "page", "timestamp": "2026-11-18T09:58:00Z", "anonymousId": "a1"},
            {"messageId": "m1", "event": "page", "timestamp": "2026-11-18T09:58:00Z", "anonymousId": "a1"},
            {"messageId": "m2", "event": "Signed In", "timestamp": "2026-11-18T09:59:00Z", "userId": "u1"},
        ),
        query={"from": "2026-11-18", "to": "2026-11-19", "at": "2026-11-20T00:00:00Z", "segment": "event"},
        expected={
            "value": 2,
            "segments": [
                {"segment": {"event": "page_viewed"}, "value": 1},
                {"segment": {"event": "signed_in"}, "value": 1},
            ],
        },
    ),
)

VISITS = Metric(
    name="visits",
    title="Visits",
    meaning="How often people came: a visit starts with an event of the visit family that no other one of the same "
    "person precedes by less than 30 minutes.",
    formula="visit events with none of the same person in the 30 minutes before",
    unit="visits",
    direction="higher_is_better",
    shape=Shape.COUNT,
    attribution="cohort",
    by_entry=True,
    units=f"""
    SELECT toString(event_id) AS id, entered, actor, multiIf(bot, 'bot', actor = '', 'no_actor', '') AS reason,
      [event_id] AS event_ids, event, person, country, channel, device $traits
    FROM (
      SELECT *, lagInFrame(entered) OVER (PARTITION BY bot, person ORDER BY entered, UUIDToNum(event_id)
                                          ROWS BETWEEN 1 PRECEDING AND 1 PRECEDING) AS before,
        row_number() OVER (PARTITION BY bot, person ORDER BY entered, UUIDToNum(event_id)) AS place
      FROM selected_events)
    WHERE entered >= {{start:Int64}} AND (bot OR actor = '' OR place = 1 OR entered - before >= {SESSION_GAP_MS})""",
    segments=ENTITY_DIMENSIONS,
    excluded=("bot", "no_actor"),
    options={"source": "events", "entity": "visit", "family": "visit", "lookback": SESSION_GAP_MS, "people": True},
    edges=("No cut at midnight.", "The session id of a tool is ignored: tools cut sessions differently."),
    otherwise="Session counters cut at midnight, at a new campaign or by the session id of the tool, or start the "
    "30 minutes again after any event: the same clicks then make more visits.",
    example=Example(
        events=(
            {"messageId": "v1", "event": "page", "timestamp": "2026-11-18T09:00:00Z", "anonymousId": "a1"},
            {"messageId": "v2", "event": "page", "timestamp": "2026-11-18T09:29:59Z", "anonymousId": "a1"},
            {"messageId": "v3", "event": "page", "timestamp": "2026-11-18T09:59:59Z", "anonymousId": "a1"},
        ),
        query={"from": "2026-11-18", "to": "2026-11-19", "at": "2026-11-20T00:00:00Z"},
        expected={"value": 2, "n": 2},
    ),
)
