"""Ingest without a transport: a request in, an answer out once the log has the events.

What waits is bounded in bytes here and in time by the log; beyond that the answer is 503 with Retry-After, never a loss
and never a false success. A frame that the log gave up on may still become durable: its events keep their ids, so that
sending them again changes nothing.
"""

from __future__ import annotations

import logging
import random
import time
import uuid
from collections.abc import Callable, Mapping

import msgspec

from ingest.accept import Accepted, accept_items, refuse_stored
from ingest.access import allowed_anywhere, check_origin, cors, key_of, preflight, writer
from ingest.body import UNREADABLE, Items, inflate, part
from ingest.http import VARY, Request, Response, answer, problem_answer
from ingest.protocols import PROTOCOLS, Lookup, Protocol, Route
from ingest.webhooks import WEBHOOKS, Webhook
from schemas.errors import Problem
from schemas.ports import Log, LogUnavailable, RecordsRefused
from schemas.tenants import Tenants
from schemas.tracing import HEADER

logger = logging.getLogger(__name__)

KNOWN_ENCODINGS = frozenset({"", "identity", "gzip", "x-gzip"})
WEBHOOK_PATH = "/v1/webhooks/"
_object = msgspec.json.Decoder(dict).decode
_encode = msgspec.json.Encoder().encode


def _now() -> int:
    return time.time_ns() // 1_000_000


class Budget:
    """Bytes that requests hold in memory; who would exceed it is told to come back."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0

    def take(self, size: int) -> None:
        """Hold `size` more bytes. Raises `Problem`."""
        if self.held + size > self.limit:
            raise Problem("overloaded", "Too many bytes wait for the log; try again.")
        self.held += size

    def release(self, size: int) -> None:
        self.held -= size


class Ingest:
    """Everything that producers talk to."""

    def __init__(
        self,
        log: Log,
        tenants: Tenants,
        *,
        clock: Callable[[], int] = _now,
        random_id: Callable[[], str] = lambda: str(uuid.uuid4()),
        jitter: Callable[[], float] = random.random,
        max_pending_bytes: int = 64 << 20,
    ) -> None:
        self.budget = Budget(max_pending_bytes)
        self.closing = False
        self._log = log
        self._tenants = tenants
        self._clock = clock
        self._random_id = random_id
        self._jitter = jitter
        self._posts: dict[str, tuple[Protocol, Route]] = {
            route.path: (protocol, route) for protocol in PROTOCOLS.values() for route in protocol.routes
        }
        self._lookups: list[tuple[Protocol, Lookup]] = [
            (protocol, lookup) for protocol in PROTOCOLS.values() for lookup in protocol.lookups
        ]

    def close(self) -> None:
        """Take nothing more: every further request is answered 503."""
        self.closing = True

    @property
    def post_paths(self) -> frozenset[str]:
        """Where client families post events."""
        return frozenset(self._posts)

    async def handle(
        self, method: str, path: str, headers: Mapping[str, str], query: Mapping[str, str], body: bytes = b""
    ) -> Response:
        """Answer a request. Header names come in lower case. Raises nothing."""
        request = Request(method.upper(), path.rstrip("/") or "/", headers, query, body)
        post = self._posts.get(request.path)
        lookup = None if post else self._lookup(request.path)
        failure = post[0].failure if post else lookup[0].failure if lookup else problem_answer
        if not (post or lookup or request.path.startswith(WEBHOOK_PATH)):
            return problem_answer(Problem("not_found", f"There is nothing at {request.path}."))
        try:
            allowed = "GET" if lookup else "POST"
            if request.method == "OPTIONS":
                return self._preflight(request, f"{allowed}, OPTIONS")
            if request.method != allowed and not (request.method == "HEAD" and allowed == "GET"):
                return failure(Problem("method_not_allowed", f"Use {allowed}.")).with_headers({"allow": allowed})
            if post:
                response = await self._post(request, *post)
            elif lookup:
                response = self._look_up(request, *lookup)
            else:
                response = await self._webhook(request)
        except Problem as problem:
            response = failure(self._with_wait(problem))
        except Exception:
            logger.exception("a request failed in a way that nobody thought of")
            response = failure(self._with_wait(Problem("log_unavailable", "Something went wrong here; try again.")))
        return response.with_headers(cors(headers)) if self._may_read(request) else response

    def refuse(self, problem: Problem, path: str, headers: Mapping[str, str], query: Mapping[str, str]) -> Response:
        """The answer to a request whose body was not taken, in the form that the path's clients read."""
        post = self._posts.get(path.rstrip("/"))
        request = Request("POST", path, headers, query)
        response = (post[0].failure if post else problem_answer)(self._with_wait(problem))
        return response.with_headers(cors(headers)) if self._may_read(request) else response

    def _lookup(self, path: str) -> tuple[Protocol, Lookup] | None:
        for protocol, lookup in self._lookups:
            if path.startswith(lookup.prefix) and path.endswith(lookup.suffix):
                return protocol, lookup
        return None

    def _may_read(self, request: Request) -> bool:
        return bool(request.headers.get("origin")) and allowed_anywhere(self._tenants, request)

    def _preflight(self, request: Request, methods: str) -> Response:
        if not self._may_read(request):
            return Response(204, {**VARY, "allow": methods})
        return Response(204, preflight(request.headers, methods))

    def _look_up(self, request: Request, _protocol: Protocol, lookup: Lookup) -> Response:
        key = request.path.removeprefix(lookup.prefix).removesuffix(lookup.suffix)
        tenant = self._tenants.by_write_key(key)
        if tenant is None:
            raise Problem("not_found", "There is no such write key.")
        return lookup.reply(request, key, tenant)

    def _refuse_early(self, request: Request) -> None:
        if self.closing:
            raise Problem("overloaded", "The service is stopping; try again.")
        told = request.headers.get("content-encoding")
        if not told:
            return
        unknown = [name for each in told.lower().split(",") if (name := each.strip()) not in KNOWN_ENCODINGS]
        if unknown:
            raise Problem("unsupported_encoding", f"Use gzip or none, not {unknown[0][:40]}.")

    async def _post(self, request: Request, protocol: Protocol, route: Route) -> Response:
        self._refuse_early(request)
        key = key_of(request)
        items: Items | None = None
        if not key:
            items, key = self._keyed_by_body(request.body, route)
        tenant = writer(self._tenants, key)
        check_origin(request, tenant)
        outcome = accept_items(
            items or part(inflate(request.body), route.dialect.list_key),
            tenant=tenant.id,
            source=route.dialect.source,
            received_at=self._clock(),
            random_id=self._random_id,
            dialect=route.dialect,
            sent_at=request.headers.get("sentat"),
            request_id=request.headers.get(HEADER, ""),
            zone=tenant.timezone,
        )
        await self._append(outcome)
        return protocol.success(outcome)

    def _keyed_by_body(self, body: bytes, route: Route) -> tuple[Items | None, str]:
        """The key that the body carries. A body that cannot be read has none: a stranger learns nothing about it."""
        try:
            items = part(inflate(body), route.dialect.list_key)
        except Problem:
            return None, ""
        return items, items.write_key

    async def _webhook(self, request: Request) -> Response:
        kind, _, source_id = request.path.removeprefix(WEBHOOK_PATH).partition("/")
        webhook = WEBHOOKS.get(kind)
        if webhook is None:
            raise Problem("not_found", "There is no such kind of webhook.")
        self._refuse_early(request)
        raw = request.body
        found = self._tenants.source(kind, source_id)
        if found is None or not any(webhook.verify(secret, request.headers, raw) for secret in found[1].secrets):
            raise Problem("unauthorized", "The source is unknown or the signature does not fit.")
        tenant, source = found
        outcome = self._translated(webhook, inflate(raw), tenant.id, source.id, request.headers.get(HEADER, ""))
        await self._append(outcome)
        content = {"success": True, "accepted": outcome.accepted, "rejected": outcome.rejected}
        return answer(200, content)

    def _translated(self, webhook: Webhook, body: bytes, tenant: str, source: str, request_id: str) -> Accepted:
        try:
            payload = _object(body)
        except UNREADABLE as error:
            raise Problem("malformed_body", f"The body cannot be read: {error}") from None
        items = Items([_encode(item) for item in webhook.translate(payload)])
        return accept_items(
            items,
            tenant=tenant,
            source=source,
            received_at=self._clock(),
            random_id=self._random_id,
            request_id=request_id,
        )

    async def _append(self, outcome: Accepted) -> None:
        """Return once the frame is durable, with what the log refused among the rejected. Raises `Problem`."""
        frame = outcome.frame
        if not frame.records and not frame.dead_letters:
            return
        size = frame.size
        self.budget.take(size)
        try:
            await self._log.append(frame)
        except LogUnavailable as unavailable:
            raise Problem("log_unavailable", str(unavailable), retry_after=unavailable.retry_after) from None
        except RecordsRefused as found:
            refuse_stored(outcome, found.refused)
        finally:
            self.budget.release(size)

    def _with_wait(self, problem: Problem) -> Problem:
        """Give a problem that may pass a time to wait, a little different for everyone."""
        if problem.kind.retryable:
            problem.retry_after = max(1, problem.retry_after or 2) + (self._jitter() >= 0.5)
        return problem
