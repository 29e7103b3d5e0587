"""Ingest without a transport: a request in, an answer out once the log has the events.

What waits is bounded in bytes here and in time by the log; beyond that the answer is 503 with Retry-After, never a loss
and never a false success. A frame that the log gave up on may still become durable: its events keep their ids, so that
sending them again changes nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import logging
import random
import time
import uuid
from collections.abc import Callable, Mapping

import msgspec

from ingest.accept import Accepted, accept_items, refuse_stored
from ingest.access import allowed_anywhere, check_origin, cors, key_of, preflight, writer
from ingest.body import MAX_WIRE_BYTES, UNREADABLE, Items, inflate, part
from ingest.body_key import keyed_text
from ingest.call import Budget, Call
from ingest.http import VARY, Request, Response, answer, problem_answer
from ingest.protocols import PROTOCOLS, Lookup, Protocol, Route
from ingest.webhooks import WEBHOOKS, Webhook
from schemas.errors import Problem
from schemas.outage import Outage
from schemas.ports import Log, LogUnavailable, RecordsRefused
from schemas.quotas import Meter, Meters, Resource
from schemas.tenants import Source, Tenant, Tenants
from schemas.tracing import HEADER

logger = logging.getLogger(__name__)

KNOWN_ENCODINGS = frozenset({"", "identity", "gzip", "x-gzip"})
WEBHOOK_PATH = "/v1/webhooks/"
_object = msgspec.json.Decoder(dict).decode
_encode = msgspec.json.Encoder().encode


def _now() -> int:
    return time.time_ns() // 1_000_000


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
        meters: Meters | None = None,
    ) -> None:
        self._meters = meters or Meters()
        self.budget = Budget(max_pending_bytes, per_free=3)
        self.strangers = Budget(max(max_pending_bytes // 8, 2 * MAX_WIRE_BYTES), per_free=1)
        self.closing = False
        self._log = log
        self._outage = Outage()
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
        """Answer a request that is here as a whole. Header names come in lower case. Raises nothing."""
        try:
            call = self.open(method, path, headers, query)
        except Problem as problem:
            return self.refuse(problem, path, headers, query)
        return await self.answer(call, body)

    def open(
        self, method: str, path: str, headers: Mapping[str, str], query: Mapping[str, str], address: str = ""
    ) -> Call:
        """Decide what the head of a request decides, before its body is read. Raises `Problem`."""
        request = Request(method.upper(), path.rstrip("/") or "/", headers, query)
        post = self._posts.get(request.path)
        if request.method == "POST" and (post or request.path.startswith(WEBHOOK_PATH)):
            self._refuse_early(request)
            if post is None:
                self._source(request)
            elif key := key_of(request):
                tenant = writer(self._tenants, key)
                check_origin(request, tenant)
                return Call(request, self.budget, tenant.id, post, tenant, self._metered(tenant, key))
        return Call(request, self.strangers, address, post)

    async def answer(self, call: Call, body: bytes) -> Response:
        """Answer a request whose body is here. Raises nothing."""
        request, post = call.request, call.post
        try:
            if request.method != "POST" or not (post or request.path.startswith(WEBHOOK_PATH)):
                return self._answer_without_body(request, post)
            response = await (self._post(call, *post, body) if post else self._webhook(request, body))
        except Problem as problem:
            return self._refused(problem, request, post)
        except Exception:
            logger.exception("a request failed in a way that nobody thought of")
            return self._refused(Problem("log_unavailable", "Something went wrong here; try again."), request, post)
        return self._readable(response, request)

    def refuse(self, problem: Problem, path: str, headers: Mapping[str, str], query: Mapping[str, str]) -> Response:
        """The answer to a request whose body was not taken, in the form that the path's clients read."""
        return self._refused(problem, Request("POST", path, headers, query), self._posts.get(path.rstrip("/")))

    def _refused(self, problem: Problem, request: Request, post: tuple[Protocol, Route] | None) -> Response:
        """Also a page of an origin that may not send reads why."""
        failure = post[0].failure if post else problem_answer
        return self._readable(failure(self._with_wait(problem)), request)

    def _readable(self, response: Response, request: Request) -> Response:
        """The answer as a page may read it: whatever holds data was checked against the page's origin before."""
        return response.with_headers(cors(request.headers)) if request.headers.get("origin") else response

    def _answer_without_body(self, request: Request, post: tuple[Protocol, Route] | None) -> Response:
        found = None if post else self._lookup(request.path)
        if not (post or found or request.path.startswith(WEBHOOK_PATH)):
            raise Problem("not_found", f"There is nothing at {request.path}.")
        allowed = "GET" if found else "POST"
        if request.method == "OPTIONS":
            return self._preflight(request, f"{allowed}, OPTIONS")
        if found and request.method in ("GET", "HEAD"):
            response = self._look_up(request, found[1])
            return self._readable(response, request) if allowed_anywhere(self._tenants, request) else response
        wrong = self._refused(Problem("method_not_allowed", f"Use {allowed}."), request, post)
        return wrong.with_headers({"allow": allowed})

    def _lookup(self, path: str) -> tuple[Protocol, Lookup] | None:
        for protocol, lookup in self._lookups:
            if path.startswith(lookup.prefix) and path.endswith(lookup.suffix):
                return protocol, lookup
        return None

    def _preflight(self, request: Request, methods: str) -> Response:
        """Any page may ask: a preflight shows no key, and the refusal of one that may not send has to be read."""
        if not request.headers.get("origin"):
            return Response(204, {**VARY, "allow": methods})
        return Response(204, preflight(request.headers, methods))

    def _look_up(self, request: Request, lookup: Lookup) -> Response:
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

    async def _post(self, call: Call, protocol: Protocol, route: Route, body: bytes) -> Response:
        items = None
        if call.tenant is None:
            items = self._keyed_by_body(call, body, route.dialect.list_key)
        assert call.tenant is not None
        outcome = accept_items(
            items or part(inflate(body), route.dialect.list_key),
            tenant=call.tenant.id,
            source=route.dialect.source,
            received_at=self._clock(),
            random_id=self._random_id,
            dialect=route.dialect,
            sent_at=call.request.headers.get("sentat"),
            request_id=call.request.headers.get(HEADER, ""),
            zone=call.tenant.timezone,
        )
        await self._pay_and_append(outcome, call.tenant, call.meter, len(body))
        return protocol.success(outcome)

    def _keyed_by_body(self, call: Call, body: bytes, list_key: str) -> Items | None:
        """Find the key in the body, whose bytes are the tenant's from then on. Raises `Problem`.

        A body that cannot be read has none: a stranger learns nothing about it.
        """
        items, key = None, ""
        with contextlib.suppress(Problem):
            if text := keyed_text(body, lambda word: self._tenants.by_write_key(word) is not None):
                items = part(text, list_key)
                key = items.write_key
        tenant = writer(self._tenants, key)
        check_origin(call.request, tenant)
        call.meter = self._metered(tenant, key)
        call.become(self.budget, tenant)
        return items

    def _metered(self, tenant: Tenant, key: str = "") -> Meter | None:
        """What a request has to pay to, if anything. Raises `Problem` while a quota is used up."""
        meter = self._meters.of(tenant, key)
        if meter is not None:
            meter.check("events", "bytes")
        return meter

    def _source(self, request: Request) -> tuple[Webhook, Tenant, Source]:
        """The webhook source that a path names. Raises `Problem`."""
        kind, _, source_id = request.path.removeprefix(WEBHOOK_PATH).partition("/")
        webhook = WEBHOOKS.get(kind)
        if webhook is None:
            raise Problem("not_found", "There is no such kind of webhook.")
        found = self._tenants.source(kind, source_id)
        if found is None:
            raise Problem("unauthorized", "The source is unknown or the signature does not fit.")
        return webhook, *found

    async def _webhook(self, request: Request, body: bytes) -> Response:
        webhook, tenant, source = self._source(request)
        if not any(webhook.verify(secret, request.headers, body) for secret in source.secrets):
            raise Problem("unauthorized", "The source is unknown or the signature does not fit.")
        meter = self._metered(tenant)
        outcome = self._translated(webhook, request, body, tenant, source.id)
        await self._pay_and_append(outcome, tenant, meter, len(body))
        content = {"success": True, "accepted": outcome.accepted, "rejected": outcome.rejected}
        return answer(200, content)

    def _translated(self, webhook: Webhook, request: Request, body: bytes, tenant: Tenant, source: str) -> Accepted:
        try:
            payload = _object(inflate(body))
        except UNREADABLE as error:
            raise Problem("malformed_body", f"The body cannot be read: {error}") from None
        items = Items([_encode(item) for item in webhook.translate(payload)])
        delivery, number = hashlib.sha256(webhook.signed(request.headers, body)).hexdigest(), itertools.count()
        return accept_items(
            items,
            tenant=tenant.id,
            source=source,
            received_at=self._clock(),
            random_id=lambda: f"{delivery}/{next(number)}",
            request_id=request.headers.get(HEADER, ""),
            zone=tenant.timezone,
        )

    async def _pay_and_append(self, outcome: Accepted, tenant: Tenant, meter: Meter | None, size: int) -> None:
        """Append, at the cost of every item that had to be looked at. What was not taken costs nothing."""
        if meter is None:
            await self._append(outcome, tenant)
            return
        paid: dict[Resource, int] = {"events": outcome.accepted + len(outcome.rejected), "bytes": size}
        for resource, amount in paid.items():
            meter.take(resource, amount)
        try:
            await self._append(outcome, tenant)
        except BaseException:
            for resource, amount in paid.items():
                meter.take(resource, -amount)
            raise

    async def _append(self, outcome: Accepted, tenant: Tenant) -> None:
        """Return once the frame is durable, with what the log refused among the rejected. Raises `Problem`."""
        frame = outcome.frame
        if not frame.records and not frame.dead_letters:
            return
        size = frame.size
        self.budget.take(tenant.id, size)
        try:
            await self._log.append(frame)
        except LogUnavailable as unavailable:  # why is in this service's own log, and no business of a producer's
            detail = f"The log has taken nothing since {self._outage.seen(self._clock())}; send the events again."
            raise Problem("log_unavailable", detail, retry_after=unavailable.retry_after) from None
        except RecordsRefused as found:
            self._outage.over()
            refuse_stored(outcome, found.refused)
        else:
            self._outage.over()
        finally:
            self.budget.release(tenant.id, size)

    def _with_wait(self, problem: Problem) -> Problem:
        """Give a problem that may pass a time to wait, a little different for everyone."""
        if problem.kind.retryable:
            problem.retry_after = max(1, problem.retry_after or 2) + (self._jitter() >= 0.5)
        return problem
