"""Our own format at `POST /v1/events` (docs/protocols.md#native-format): 202 if anything was accepted, else 422."""

from __future__ import annotations

from typing import Any

from ingest.accept import NATIVE, Accepted
from ingest.http import Response, answer
from ingest.protocols.protocol import Protocol, Route
from schemas.errors import Problem


def success(outcome: Accepted) -> Response:
    """The answer once the good items are durable. Raises `Problem` if there were none."""
    content: dict[str, Any] = {"accepted": outcome.accepted, "rejected": outcome.rejected}
    if not outcome.accepted:
        first = outcome.rejected[0]["message"] if outcome.rejected else "there was none"
        raise Problem("no_valid_event", f"No event was accepted: {first}.", members=content)
    if outcome.warnings:
        content["warnings"] = outcome.warnings
    return answer(202, content)


PROTOCOL = Protocol("native", (Route("/v1/events", NATIVE),), success)
