"""Our own route: 202 with the outcome of each item, 422 if none was good."""

from __future__ import annotations

from ingest.accept import NATIVE, Accepted
from ingest.exchange import Protocol, Response, json_response, problem_response, told
from schemas.errors import Problem


def respond(outcome: Accepted) -> Response:
    """202, or 422 with the same fields."""
    if outcome.accepted:
        return json_response(202, told(outcome))
    detail = "The request holds no event." if not outcome.rejected else "None of the events could be accepted."
    return problem_response(Problem("no_valid_event", detail, members=told(outcome)))


PROTOCOL = Protocol(
    name="native",
    title="Send events",
    meaning='One event, `{"events": […]}`, a JSON array, or NDJSON; gzip is recognised by its first bytes. Answers '
    "after the events are stored. A duplicate (same messageId) counts as accepted and is counted once.",
    dialects={"/v1/events": NATIVE},
    respond=respond,
    refuse=problem_response,
    example={
        "messageId": "m1",
        "event": "product_added",
        "timestamp": "2026-11-18T09:58:00.000Z",
        "userId": "u1",
        "sessionId": "s1",
        "context": {"country": "DE", "channel": "web", "device": {"type": "mobile"}},
        "properties": {"cart_id": "c1", "product_id": "p1", "price": 19.9, "quantity": 1, "currency": "EUR"},
    },
    statuses=(202, 422),
)
