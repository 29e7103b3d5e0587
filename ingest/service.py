"""Producers' requests answered without a transport: who is it, what is in it, is it durable.

`Ingest.handle` is the one function behind every route, so that whatever carries it (the web framework here, a faster
transport later) answers alike. It answers 2xx only after the log has the events, and 503 within the deadline and with
bounded memory when the log cannot take them.
"""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Callable
from dataclasses import replace

from ingest.accept import Accepted, Dialect, accept_items
from ingest.body import MAX_WIRE_BYTES, Items, inflate, part
from ingest.exchange import Protocol, Request, Response, json_response, problem_response, told
from ingest.keys import origin_headers, preflight_headers, tenant_of
from ingest.protocols import PROTOCOLS
from ingest.webhooks import WEBHOOKS
from schemas.errors import Problem
from schemas.ports import Log, LogUnavailable
from schemas.tenants import Tenant, Tenants

DEADLINE_SECONDS = 5.0
MOST_IN_FLIGHT_BYTES = 64_000_000
KNOWN_ENCODINGS = frozenset({"", "identity", "gzip", "x-gzip"})
WEBHOOKS_UNDER = "/v1/webhooks/"
_PROTOCOL_AT: dict[str, tuple[Protocol, Dialect]] = {
    path: (protocol, dialect) for protocol in PROTOCOLS for path, dialect in protocol.dialects.items()
}


def _random_id() -> str:
    return str(uuid.uuid4())


class Ingest:
    """Everything that producers may ask. `clock` gives UTC milliseconds."""

    def __init__(
        self,
        log: Log,
        tenants: Tenants,
        clock: Callable[[], int],
        *,
        deadline: float = DEADLINE_SECONDS,
        most_in_flight: int = MOST_IN_FLIGHT_BYTES,
        random_id: Callable[[], str] = _random_id,
    ) -> None:
        self._log = log
        self._tenants = tenants
        self._clock = clock
        self._deadline = deadline
        self._most_in_flight = most_in_flight
        self._random_id = random_id
        self.in_flight_bytes = 0

    async def handle(self, request: Request) -> Response:
        """Answer a request; never raises for anything that a client or the log may do."""
        if request.method == "OPTIONS":
            return Response(204, b"", preflight_headers(self._tenants, request))
        tenant: Tenant | None = None
        protocol, dialect = _PROTOCOL_AT.get(request.path, (PROTOCOLS[0], None))
        held = len(request.body)
        self.in_flight_bytes += held
        try:
            self._check_room()
            if dialect is None:
                response = await self._webhook(request)
            else:
                _check_encoding(request)
                items = part(inflate(request.body), dialect.list_key)
                tenant = tenant_of(self._tenants, request, items.write_key)
                response = protocol.respond(await self._take(items, tenant, dialect.source, dialect))
        except Problem as problem:
            if tenant is None and dialect is not None and problem.code in ("malformed_body", "body_too_large"):
                problem = self._unauthorized(request) or problem
            response = protocol.refuse(problem)
        finally:
            self.in_flight_bytes -= held
        return replace(response, headers={**response.headers, **origin_headers(self._tenants, tenant, request)})

    def settings(self, path: str, key: str, request: Request) -> Response:
        """What a client of some family asks before it sends. `path` is declared by its protocol."""
        try:
            tenant = tenant_of(self._tenants, Request("GET", path, {"x-write-key": key}))
        except Problem as problem:
            return replace(problem_response(problem), headers=origin_headers(self._tenants, None, request))
        answer = next(p.settings[path] for p in PROTOCOLS if path in p.settings)(key, request.headers)
        return replace(answer, headers={**answer.headers, **origin_headers(self._tenants, tenant, request)})

    def too_large(self, request: Request) -> Response:
        """The refusal of a body that the transport stopped reading."""
        protocol, _ = _PROTOCOL_AT.get(request.path, (PROTOCOLS[0], None))
        answer = protocol.refuse(Problem("body_too_large", f"A body has at most {MAX_WIRE_BYTES} bytes on the wire."))
        return replace(answer, headers={**answer.headers, **origin_headers(self._tenants, None, request)})

    def _check_room(self) -> None:
        if self.in_flight_bytes > self._most_in_flight:
            raise Problem("overloaded", "Too many bytes wait for the log.", retry_after=_soon())

    def _unauthorized(self, request: Request) -> Problem | None:
        """Someone without a key learns nothing about what would be wrong with the body."""
        try:
            tenant_of(self._tenants, request)
        except Problem as problem:
            return problem
        return None

    async def _webhook(self, request: Request) -> Response:
        kind, _, source_id = request.path.removeprefix(WEBHOOKS_UNDER).partition("/")
        webhook, found = WEBHOOKS.get(kind), self._tenants.source(kind, source_id)
        if webhook is None or found is None:
            raise Problem("unauthorized", "There is no such webhook source.")
        tenant, source = found
        if not webhook.verify(source.secrets, request.headers, request.body):
            raise Problem("unauthorized", "The signature does not fit the body.")
        _check_encoding(request)
        outcome = await self._take(webhook.items(inflate(request.body)), tenant, source.id)
        return json_response(200, told(outcome))

    async def _take(self, items: Items, tenant: Tenant, source: str, dialect: Dialect | None = None) -> Accepted:
        """Accept the items and wait until the log has them. Raises `Problem`."""
        outcome = accept_items(
            items,
            tenant=tenant.id,
            source=source,
            received_at=self._clock(),
            random_id=self._random_id,
            **({} if dialect is None else {"dialect": dialect}),
        )
        if outcome.frame.records or outcome.frame.dead_letters:
            try:
                await asyncio.wait_for(self._log.append(outcome.frame), self._deadline)
            except LogUnavailable as reason:
                raise Problem("log_unavailable", str(reason), retry_after=reason.retry_after + _jitter()) from None
            except TimeoutError:
                raise Problem("log_unavailable", "The log did not answer in time.", retry_after=_soon()) from None
        return outcome


def _check_encoding(request: Request) -> None:
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding not in KNOWN_ENCODINGS:
        raise Problem("unsupported_encoding", f"Content-Encoding {encoding[:50]} is not known; send gzip or none.")


def _jitter() -> int:
    """So that clients refused together do not come back together."""
    return random.randrange(3)  # noqa: S311 -- spreads load, protects nothing


def _soon() -> int:
    return 2 + _jitter()
