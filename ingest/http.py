"""What ingest knows of HTTP: a request and a response as values, without any framework."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from schemas.errors import Problem, problem_headers, problem_json

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Request:
    """A request. Header names are in lower case; of repeated headers the first counts, of query parameters the last."""

    method: str
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer; header names in lower case."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def with_headers(self, headers: Mapping[str, str]) -> Response:
        """The same answer with more headers."""
        return replace(self, headers={**self.headers, **headers})


def answer(status: int, content: Any) -> Response:
    """A JSON answer."""
    return Response(status, {"content-type": "application/json"}, _encode(content))


def problem_answer(problem: Problem) -> Response:
    """A problem as `application/problem+json`."""
    return Response(problem.status, problem_headers(problem), problem_json(problem))


def sdk_problem_answer(problem: Problem) -> Response:
    """A problem in the one body that the SDKs of Segment, Rudder, PostHog and Mixpanel all understand."""
    body = {
        "code": problem.code,
        "message": problem.kind.title,
        "error": problem.detail,
        "detail": problem.detail,
        "status": 0,
        **problem.members,
    }
    headers = {**problem_headers(problem), "content-type": "application/json"}
    return Response(problem.status, headers, _encode(body))
