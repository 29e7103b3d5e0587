"""Numbers as they change: each question is computed once a round, however many listen to it.

A feed is one question (metrics and query of one tenant). Its rounds follow each other, so that what it publishes comes
in the order of its watermarks; a listener holds only the newest message of each metric, whoever reads slowly. That a
rolling window has moved on is no news: a message is one if anything else in the body has changed.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from query_api.admission import too_large
from query_api.parameters import Query, invalid, names_list, parse
from query_api.service import MOST_METRICS, Answers, metric_named
from query_api.turns import Turns
from schemas import signals
from schemas.errors import Problem, problem_object
from schemas.metrics.metric import Metric
from schemas.periods import format_instant
from schemas.ports import QuestionTooLarge, StoreRejected, StoreUnavailable
from schemas.tenants import Tenant, Tenants
from schemas.tracing import CURRENT

logger = logging.getLogger(__name__)
MOST_QUESTIONS = 32
MOST_LISTENERS = 2000
"""Per tenant: different questions, and listeners to all of them."""
AT_ONCE = 2
"""Questions of a tenant's feeds that run at the same time, so that its other questions get their turns."""
RETRY_AFTER = 5


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a question is computed, and how long its last answer outlives its last listener (seconds)."""

    round: float = 1.0
    linger: float = 30.0


@dataclass(frozen=True, slots=True)
class Message:
    """One event of the stream, as it is sent; `essence` is what has to differ for there to be news. A problem is no
    state of the number: it has no id, and whoever comes again hears it again.
    """

    text: bytes
    essence: bytes
    watermark: int
    is_problem: bool = False


class Listener:
    """What one reader has not been sent yet: of each metric the newest message, in the order of publication."""

    def __init__(self, feed: Feed) -> None:
        self.wake = asyncio.Event()
        self.ended = False
        self.on_end: Callable[[], None] = lambda: None
        self.feed = feed
        self._pending: dict[str, Message] = {}

    def offer(self, metric: str, message: Message) -> None:
        """Put the message last, instead of an older one of the same metric."""
        self._pending.pop(metric, None)
        self._pending[metric] = message
        self.wake.set()

    def take(self) -> list[Message]:
        """Everything that waits; nothing does afterwards."""
        taken, self._pending = list(self._pending.values()), {}
        self.wake.clear()
        return taken

    def end(self) -> None:
        """Let the reader go once it has what waits."""
        self.ended = True
        self.wake.set()
        self.on_end()

    @property
    def counted_to(self) -> int | None:
        """The watermark whose news this listener has been sent, all of them; None: not known yet."""
        return None if self._pending else self.feed.counted_to


@dataclass(slots=True)
class Feed:
    """One question of one tenant, and who listens to it. `counted_to` is the watermark of the last complete round."""

    metrics: Sequence[Metric]
    query: Sequence[tuple[str, str]]
    listeners: set[Listener] = field(default_factory=set)
    latest: dict[str, Message] = field(default_factory=dict)
    counted_to: int | None = None
    deserted_at: float = field(default_factory=time.monotonic)
    task: asyncio.Task[None] | None = None

    @property
    def rolls(self) -> bool:
        """Whether the question moves with time."""
        return not any(name == "at" for name, _ in self.query)

    def publish(self, metric: str, message: Message) -> None:
        """Offer it to everyone, if it is news."""
        before = self.latest.get(metric)
        if before is not None and before.essence == message.essence:
            return
        self.latest[metric] = message
        for listener in self.listeners:
            listener.offer(metric, message)


class Live:
    """All feeds of a process."""

    def __init__(self, answers: Answers, tenants: Tenants, pace: Pace | None = None) -> None:
        self.rounds = 0
        self._answers = answers
        self._tenants = tenants
        self._pace = pace or Pace()
        self._turns = Turns(None, AT_ONCE)
        self._feeds: dict[tuple[Any, ...], Feed] = {}
        self._closed = False

    @property
    def listeners(self) -> int:
        """How many listen now."""
        return sum(len(feed.listeners) for feed in self._feeds.values())

    @property
    def questions(self) -> int:
        """How many questions are being computed again and again."""
        return len(self._feeds)

    def readings(self) -> dict[signals.Signal, signals.Reading]:
        """What `/metrics` tells of the streams."""
        return {
            signals.LISTENERS: self.listeners,
            signals.QUESTIONS: self.questions,
            signals.ROUNDS: self.rounds,
        }

    def listen(self, query: Query, tenant: Tenant, seen: int | None = None) -> Listener:
        """A new listener, which is offered what is news since the watermark `seen`. Raises `Problem`."""
        if self._closed:
            raise Problem("overloaded", "stopping; connect again", retry_after=RETRY_AFTER)
        feed = self._feed(query, tenant)
        listener = Listener(feed)
        feed.listeners.add(listener)
        for metric, message in sorted(feed.latest.items(), key=lambda pair: pair[1].watermark):
            if seen is None or message.is_problem or message.watermark >= seen:
                listener.offer(metric, message)
        return listener

    def leave(self, listener: Listener) -> None:
        """The listener is gone."""
        listener.feed.listeners.discard(listener)
        listener.feed.deserted_at = time.monotonic()

    def close(self) -> None:
        """Compute nothing more, let every listener go, take no new one."""
        self._closed = True
        for feed in self._feeds.values():
            if feed.task is not None:
                feed.task.cancel()
            for listener in feed.listeners:
                listener.end()

    def _feed(self, query: Query, tenant: Tenant) -> Feed:
        pairs = list(query)
        names = [text for name, text in pairs if name == "metrics"]
        if len(names) != 1:
            raise invalid("metrics", "is given twice" if names else "expected names of metrics, separated by commas")
        wanted = tuple(dict.fromkeys(names_list("metrics", names[0])))
        if len(wanted) > MOST_METRICS:
            raise invalid("metrics", f"at most {MOST_METRICS}")
        rest = tuple(sorted(pair for pair in pairs if pair[0] != "metrics"))
        key = (tenant.id, tuple(sorted(wanted)), rest)
        own = [feed for (owner, *_), feed in self._feeds.items() if owner == tenant.id]
        if sum(len(feed.listeners) for feed in own) >= MOST_LISTENERS:
            raise Problem("quota_exceeded", f"{MOST_LISTENERS} streams are open already; close some")
        if key not in self._feeds:
            metrics = [metric_named(name) for name in wanted]
            self._check(metrics, rest, tenant)
            self._make_room(own)
            feed = self._feeds[key] = Feed(metrics, rest)
            feed.task = asyncio.create_task(self._keep(key, feed, tenant.id), name="live feed")
        return self._feeds[key]

    def _check(self, metrics: Sequence[Metric], query: Query, tenant: Tenant) -> None:
        """Refuse at once what no metric understands; what only some do not is told in the stream. Raises `Problem`."""
        refused: Problem | None = None
        for metric in metrics:
            try:
                parse(metric, query, tenant, 0)
            except Problem as problem:
                refused = refused or problem
            else:
                return
        if refused is not None:
            raise refused

    def _make_room(self, own: Sequence[Feed]) -> None:
        """Give up a tenant's oldest feed without listeners for a new one. Raises `Problem` if all have some."""
        if len(own) < MOST_QUESTIONS:
            return
        deserted = [feed for feed in own if not feed.listeners]
        if not deserted:
            raise Problem("quota_exceeded", f"{MOST_QUESTIONS} different questions are streamed already; close some")
        self._forget(min(deserted, key=lambda feed: feed.deserted_at))

    def _forget(self, feed: Feed) -> None:
        self._feeds = {key: each for key, each in self._feeds.items() if each is not feed}
        if feed.task is not None:
            feed.task.cancel()

    async def _keep(self, key: tuple[Any, ...], feed: Feed, tenant_id: str) -> None:
        """Round after round until nobody listens any more; at most half of the time is spent on computing."""
        CURRENT.set("")  # not only the request that came first
        while feed.listeners or time.monotonic() - feed.deserted_at < self._pace.linger:
            began = time.monotonic()
            tenant = self._tenants.by_id(tenant_id)
            if tenant is None:
                break
            await self._round(feed, tenant)
            await asyncio.sleep(max(self._pace.round, time.monotonic() - began))
        for listener in feed.listeners:
            listener.end()
        if self._feeds.get(key) is feed:
            del self._feeds[key]

    async def _round(self, feed: Feed, tenant: Tenant) -> None:
        self.rounds += 1
        try:
            watermark = self._answers.watermark()
        except Problem as problem:
            for metric in feed.metrics:
                feed.publish(metric.name, _problem(metric, problem, feed.counted_to or 0))
            return
        await asyncio.gather(*(self._compute(feed, metric, tenant, watermark) for metric in feed.metrics))
        feed.counted_to = watermark

    async def _compute(self, feed: Feed, metric: Metric, tenant: Tenant, watermark: int) -> None:
        try:
            async with self._turns.turn(tenant.id):
                counting = self._answers.body(parse(metric, feed.query, tenant, watermark), watermark, tenant)
                body = await self._answers.watched(counting, tenant)
        except Problem as problem:
            message = _problem(metric, problem, watermark)
        except StoreUnavailable:
            message = _problem(metric, Problem("store_unavailable"), watermark)
        except QuestionTooLarge:
            message = _problem(metric, too_large("it needs more memory or time than one may"), watermark)
        except Exception as error:
            if not isinstance(error, StoreRejected):
                logger.exception("a number could not be computed for its stream")
            message = _problem(metric, Problem("overloaded", "this question could not be answered"), watermark)
        else:
            text = b"event: metric\nid: %s\ndata: %s\n\n" % (body["watermark"].encode(), msgspec.json.encode(body))
            message = Message(text, msgspec.json.encode(_essence(body, feed.rolls)), watermark)
        feed.publish(metric.name, message)


_MOVING = ("watermark", "at", "window", "final_at")


def _essence(body: dict[str, Any], rolls: bool) -> dict[str, Any]:
    """What is news if it differs: all but the watermark and, of a window that moves on, its place."""
    left_out = _MOVING if rolls else _MOVING[:1]
    found = {name: value for name, value in body.items() if name not in left_out}
    if rolls and found.get("comparison"):
        found["comparison"] = {name: value for name, value in found["comparison"].items() if name != "window"}
    return found


def _problem(metric: Metric, problem: Problem, watermark: int) -> Message:
    data = msgspec.json.encode({"metric": metric.name, **problem_object(problem)})
    return Message(b"event: problem\ndata: %s\n\n" % data, data, watermark, is_problem=True)


def heartbeat(watermark: int) -> bytes:
    """That everything up to a watermark has been sent."""
    text = format_instant(watermark).encode()
    return b'event: watermark\nid: %s\ndata: {"watermark":"%s"}\n\n' % (text, text)
