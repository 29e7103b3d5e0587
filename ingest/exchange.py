"""A request and a response without a transport, and how a producer's route is declared."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ingest.accept import Accepted, Dialect
from ingest.body import Items
from schemas.errors import Problem, problem_headers, problem_json


@dataclass(frozen=True, slots=True)
class Request:
    """Header names in lower case; of a repeated query parameter the last counts; the body as it came."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Response:
    """What is sent back."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def json_response(status: int, content: Any) -> Response:
    """A JSON answer."""
    return Response(status, json.dumps(content, ensure_ascii=False).encode(), {"content-type": "application/json"})


def problem_response(problem: Problem) -> Response:
    """The native refusal: problem+json, with `Retry-After` where trying again helps."""
    return Response(problem.status, problem_json(problem), problem_headers(problem))


def told(outcome: Accepted) -> dict[str, Any]:
    """What became of the items, for the body of an answer."""
    content: dict[str, Any] = {"accepted": outcome.accepted, "rejected": outcome.rejected}
    return content | ({"warnings": outcome.warnings} if outcome.warnings else {})


@dataclass(frozen=True, slots=True)
class Protocol:
    """A client family: its paths, how its items are named, and the answers that its clients understand."""

    name: str
    title: str
    meaning: str
    dialects: Mapping[str, Dialect]
    """Path to the dialect spoken there."""
    respond: Callable[[Accepted], Response]
    refuse: Callable[[Problem], Response]
    example: Any
    statuses: tuple[int, ...]
    """Statuses of answers to well-formed requests, for the documentation."""
    settings: Mapping[str, Callable[[str, Mapping[str, str]], Response]] = field(default_factory=dict)
    """Paths that clients GET before they send (`{key}` in them is the write key)."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """A source of webhooks. `verify(secrets, headers, body)` on the raw bytes; `items(body)` as native events."""

    kind: str
    meaning: str
    verify: Callable[[tuple[str, ...], Mapping[str, str], bytes], bool]
    items: Callable[[bytes], Items]
    example: Any
