"""What ingest knows of HTTP: a request and a response as values, without any framework.

Every answer varies with the origin that asks; whether a page may read it is added where it may.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from schemas.errors import Problem, problem_headers, problem_json

_encode = msgspec.json.Encoder().encode
_NO_QUERY: Mapping[str, str] = {}
VARY = {"vary": "Origin"}
JSON = {"content-type": "application/json", **VARY}


def read_headers(headers: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by their names, which the server gives in lower case; of a repeated one the first counts."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(headers)}


def read_query(raw: bytes) -> Mapping[str, str]:
    """Query parameters; of a repeated one the last counts."""
    return dict(parse_qsl(raw.decode("latin-1"), keep_blank_values=True)) if raw else _NO_QUERY


class Request(msgspec.Struct, frozen=True):
    """The head of a request. Header names are in lower case; of repeated headers the first counts, of query parameters
    the last.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, str]


class Response(msgspec.Struct, frozen=True):
    """An answer; header names in lower case. The headers may be shared: `with_headers` makes others."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""

    def with_headers(self, headers: Mapping[str, str]) -> Response:
        """The same answer with more headers."""
        return Response(self.status, {**self.headers, **headers}, self.body)


def answer(status: int, content: Any) -> Response:
    """A JSON answer."""
    return Response(status, JSON, _encode(content))


def problem_answer(problem: Problem) -> Response:
    """A problem as `application/problem+json`."""
    return Response(problem.status, {**problem_headers(problem), **VARY}, problem_json(problem))


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
    headers = {**problem_headers(problem), **JSON}
    return Response(problem.status, headers, _encode(body))
