"""Refusals of the service as typed values: problems (RFC 9457), rejections of one event, warnings.

Code, status and whether to try again stand only here; routes, OpenAPI, dead letters and tests read them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from schemas.limits import LONGEST_ID, LONGEST_MESSAGE_ID, MAX_DEPTH, MAX_EVENT_BYTES, YEARS

PROBLEM_MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """A declared problem: the code is its name, `retryable` says whether the same request may succeed later."""

    code: str
    status: int
    title: str
    retryable: bool = False


PROBLEMS: dict[str, ProblemKind] = {
    kind.code: kind
    for kind in (
        ProblemKind("malformed_body", 400, "The body cannot be read"),
        ProblemKind("malformed_request", 400, "The request is no HTTP"),
        ProblemKind("invalid_parameter", 400, "A parameter has a value that it cannot have"),
        ProblemKind("unknown_parameter", 400, "There is no such parameter"),
        ProblemKind("unknown_segment", 400, "There is no such segment"),
        ProblemKind("too_many_points", 400, "The series would have too many points"),
        ProblemKind("unauthorized", 401, "The key is missing or unknown"),
        ProblemKind("forbidden", 403, "The key does not allow this"),
        ProblemKind("suppressed", 403, "Fewer units than the tenant shows"),
        ProblemKind("unknown_metric", 404, "There is no such metric"),
        ProblemKind("not_found", 404, "There is nothing here"),
        ProblemKind("method_not_allowed", 405, "The path exists, the method does not"),
        ProblemKind("request_timeout", 408, "The request came too slowly", retryable=True),
        ProblemKind("body_too_large", 413, "The body is too large"),
        ProblemKind("unsupported_encoding", 415, "The content encoding is not known"),
        ProblemKind("question_too_large", 422, "The question needs more than one may take"),
        ProblemKind("no_valid_event", 422, "None of the events could be accepted"),
        ProblemKind("quota_exceeded", 429, "The quota of this key is used up", retryable=True),
        ProblemKind("headers_too_large", 431, "The headers are too large"),
        ProblemKind("log_unavailable", 503, "The log does not answer", retryable=True),
        ProblemKind("store_unavailable", 503, "The store does not answer", retryable=True),
        ProblemKind("overloaded", 503, "Too much is waiting already", retryable=True),
    )
}

REJECTIONS: dict[str, str] = {
    "invalid_event": "The item is no event: not an object, no usable name, broken text or JSON.",
    "invalid_property": "A field has a value that it cannot have.",
    "missing_property": "A field that names the entity is missing or empty.",
    "invalid_timestamp": f"A time is unreadable, without offset, or outside {YEARS}.",
    "id_too_long": f"An id is longer than allowed (message ids {LONGEST_MESSAGE_ID} characters, others {LONGEST_ID}).",
    "event_too_large": f"The event is larger than {MAX_EVENT_BYTES >> 10} KiB.",
    "too_deep": f"The event is nested deeper than {MAX_DEPTH} levels.",
    "unstorable_record": "The store refuses the rows of this event, whatever is tried.",
}
"""Codes of items that were not accepted."""

INGEST_WARNINGS: dict[str, str] = {
    "unidentified": "No message id and no time: if this event is sent again, it counts twice.",
    "sent_at_ignored": "sentAt could not be read; no correction for a wrong clock was made.",
    "placeholder_id": "A placeholder such as undefined, null or an unfilled template is no id: it counts as absent.",
    "unknown_field": "A field that nothing reads; what belongs to the event goes into `properties`.",
    "unknown_word": "A word that is none of those that this property can be: it decides nothing.",
    "unreadable_property": "A value that cannot be read: it counts as absent.",
    "similar_name": "An event that nothing declares, with a name close to one that is declared.",
    "future": "Dated more than 5 minutes after receipt; it counts once its time has come.",
}
"""Codes of `warnings` in the answer to a producer: the event was accepted."""

DEAD_LETTER_REASONS: dict[str, str] = REJECTIONS | {
    "undecodable_record": "A line of the log could not be read again.",
    "entity_too_large": "One entity has more transitions than the limit.",
}


class Problem(Exception):
    """A request that cannot be served. `code` is one of `PROBLEMS`; `retry_after` is in whole seconds.

    `members` are further members of the problem object (RFC 9457 extension members), such as `rejected`.
    """

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        field: str | None = None,
        retry_after: int | None = None,
        members: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.kind = PROBLEMS[code]
        self.detail = detail or self.kind.title
        self.field = field
        self.retry_after = retry_after
        self.members = members or {}

    @property
    def code(self) -> str:
        return self.kind.code

    @property
    def status(self) -> int:
        return self.kind.status


def problem_object(problem: Problem) -> dict[str, Any]:
    """The problem as an object (docs/protocols.md#errors)."""
    kind = problem.kind
    return {
        "type": f"/errors/{kind.code}",
        "title": kind.title,
        "status": kind.status,
        "code": kind.code,
        "detail": problem.detail,
        "retryable": kind.retryable,
        "field": problem.field,
        **problem.members,
    }


def problem_json(problem: Problem) -> bytes:
    """The body of an `application/problem+json` answer."""
    return json.dumps(problem_object(problem), ensure_ascii=False).encode()


def problem_headers(problem: Problem) -> dict[str, str]:
    """Content type and, where trying again helps, how long to wait."""
    headers = {"content-type": PROBLEM_MEDIA_TYPE}
    if problem.retry_after is not None or problem.kind.retryable:
        headers["retry-after"] = str(problem.retry_after or 2)
    return headers
