"""What a client family has to say about itself; one file a family declares one value of this."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ingest.accept import NATIVE, Accepted, Dialect
from ingest.http import Request, Response, problem_answer
from schemas.errors import Problem
from schemas.tenants import Tenant


@dataclass(frozen=True, slots=True)
class Route:
    """One path at which a family posts events."""

    path: str
    dialect: Dialect = NATIVE


@dataclass(frozen=True, slots=True)
class Lookup:
    """One path with something in it that a family reads before it sends: `prefix` + write key + `suffix`."""

    prefix: str
    suffix: str
    reply: Callable[[Request, str, Tenant], Response]


@dataclass(frozen=True, slots=True)
class Protocol:
    """A client family: where it posts, what its clients take for success and for an error."""

    name: str
    routes: tuple[Route, ...]
    success: Callable[[Accepted], Response]
    failure: Callable[[Problem], Response] = problem_answer
    lookups: tuple[Lookup, ...] = field(default=())
