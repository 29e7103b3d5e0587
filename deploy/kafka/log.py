"""The log of the separate services: appends of one process share an open frame, and Kafka has it before anyone is told.

A frame leaves at once if the last one left more than 2 ms ago, else when that is so or at 256 kB: to the next partition
that has no unacknowledged record. While all have one it grows, so that a slow Kafka gets fewer and larger records. The
pace is there for the processors, whose cost goes by the record (85-105 us, whatever is in it): without it a busy
process makes 1,300 records a second instead of 500 at the most, for a median append of 0.7 ms instead of 2.3.

There is one sign of life, an acknowledgement, and one question whether there is any: while none has come for a second,
a heartbeat goes out (an empty frame). Silence, or a record that failed, opens the breaker: appends are refused at once
and nothing piles up. The next acknowledgement, be it of the heartbeat, closes it. So readiness is a fact and no guess,
with traffic or without. What is on its way when Kafka falls silent is sent again by the idempotent producer until it
answers; its bytes stay counted, and whoever waited has long been told that nobody knows.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from deploy.kafka.link import Connections, Flight, Link
from deploy.kafka.open_frame import FRAME_BYTES, Append, Batch, OpenFrame, wire_size
from deploy.kafka.producer import Producer, ProducerBroken, RecordRefused, connect
from schemas.ports import LogUnavailable
from schemas.record import Frame
from schemas.topics import EVENTS

logger = logging.getLogger(__name__)

PACE_SECONDS = 0.002
HEARTBEAT_SECONDS = 1.0
SILENCE_SECONDS = 2.5
"""More than a heartbeat and its answer take; without an acknowledgement for this long nothing is taken."""
TICK_SECONDS = 0.1
MOVED_SECONDS = 30.0
"""After this long without an acknowledgement another producer is tried: brokers may have got other addresses, and
aiokafka asks only those that it knows."""
NO_ANSWER = "Kafka did not answer in time"
STOPPING = "shutting down"

Connector = Callable[[str, str], Awaitable[Producer]]
"""Makes a producer from a bootstrap address and a topic. Raises `NotConnected`."""


class KafkaLog:
    """Satisfies `schemas.ports.Log`. For one event loop, between `start` and `close`."""

    def __init__(
        self,
        bootstrap: str,
        prefix: str,
        clock: Callable[[], int],
        *,
        deadline_seconds: float = 5.0,
        max_pending_bytes: int = 64 << 20,
        connector: Connector = connect,
    ) -> None:
        topic = EVENTS.full_name(prefix)
        self.pending_bytes = 0
        self._clock = clock
        self._deadline = deadline_seconds
        self._max_pending = max_pending_bytes
        self._tick_seconds = min(TICK_SECONDS, deadline_seconds / 10)
        self._open = OpenFrame()
        self._flights: set[Flight] = set()
        self._connections = Connections(lambda: connector(bootstrap, topic), self._connected, self._not_connected)
        self._refusal = "the log was not started"
        self._acknowledged_at = float("-inf")
        self._silent_since = float("-inf")
        self._sent_at = float("-inf")
        self._closed = False
        self._timer: asyncio.Handle | None = None
        self._ticking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to connect, and go on trying: this neither waits for Kafka nor fails without it."""
        self._loop = asyncio.get_running_loop()
        self._silent_since = self._loop.time()
        self._refusal = ""  # who comes at once waits for the connection, within the deadline
        self._ticking = asyncio.create_task(self._tick(), name="kafka log: tick")
        self._connections.renew()

    async def append(self, frame: Frame) -> None:
        if self._refusal:
            raise LogUnavailable(self._refusal)
        size = wire_size(frame)
        if self.pending_bytes + size > self._max_pending:
            raise LogUnavailable("too much waits for Kafka", retry_after=1)
        loop = self._loop
        done = loop.create_future()
        self.pending_bytes += size
        self._open.add(frame, size, Append(done, loop.time()))
        if self._open.size >= FRAME_BYTES:
            self._send_due()
        elif self._timer is None:
            self._arm()
        # A caller that gives up leaves its frame behind: it will be written, and nobody was told that it was.
        await done

    def ready(self) -> bool:
        """Whether Kafka has acknowledged a record lately and there is room for more."""
        return (
            not self._refusal
            and self._loop.time() - self._acknowledged_at <= SILENCE_SECONDS
            and self.pending_bytes < self._max_pending
        )

    def pending_records(self) -> int:
        """Events that Kafka has not acknowledged."""
        flying = sum(len(flight.batch.frame.records) for flight in self._flights)
        return flying + sum(len(frame.records) for frame, _, _ in self._open)

    async def close(self, seconds: float = 10.0) -> None:
        """Refuse new appends, send what waits, and fail what Kafka has not acknowledged within `seconds`.

        With a Kafka that does not answer it takes up to a second more to get rid of the connections.
        """
        self._closed = True
        self._refusal = STOPPING
        until = asyncio.get_running_loop().time() + seconds
        while self._somebody_waits() and self._loop.time() < until:
            if flying := [flight.task for flight in self._flights]:
                await asyncio.wait(flying, timeout=self._tick_seconds, return_when=asyncio.FIRST_COMPLETED)
            else:
                await asyncio.sleep(0.01)
        for _, _, append in self._open:
            append.fail(STOPPING)
        for flight in self._flights:
            flight.batch.fail(STOPPING)
        if self._timer is not None:
            self._timer.cancel()
        tasks = [flight.task for flight in self._flights] + ([self._ticking] if self._ticking else [])
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._connections.close()

    def _somebody_waits(self) -> bool:
        return bool(self._open) or any(flight.batch.oldest < float("inf") for flight in self._flights)

    # Sending. While a timer is set, what is open may wait for it.

    def _arm(self) -> None:
        if (due := self._sent_at + PACE_SECONDS) > self._loop.time():
            self._timer = self._loop.call_at(due, self._timer_rang)
        else:
            self._timer = self._loop.call_soon(self._timer_rang)  # the rest of this turn of the loop still joins

    def _timer_rang(self) -> None:
        self._timer = None
        self._send_due()

    def _send_due(self) -> None:
        """Send what is due and can be sent; an acknowledgement or a new connection calls again."""
        link = self._connections.link
        while link is not None and self._open and (self._timer is None or self._open.size >= FRAME_BYTES):
            partition = link.free()
            if partition is None:
                return
            self._sent_at = self._loop.time()
            self._send(self._open.take(), link, partition)
            if self._open and self._timer is None:
                self._arm()

    def _send(self, batch: Batch, link: Link, partition: int) -> None:
        flight = Flight(batch, link, partition, self._fly)
        link.busy.add(partition)
        link.flights.add(flight)
        self._flights.add(flight)

    async def _fly(self, flight: Flight) -> None:
        batch, link = flight.batch, flight.link
        try:
            await link.producer.send(batch.frame, flight.partition)
            link.busy.discard(flight.partition)  # after a failure it stays: a gap in its sequence cannot be mended
            self._acknowledged()
            batch.settle()
        except RecordRefused as error:
            self._refused(flight, str(error))
        except ProducerBroken as error:
            self._broke(flight, str(error))
        finally:
            self._flights.discard(flight)
            link.flights.discard(flight)
            self.pending_bytes -= batch.size
        self._send_due()

    def _refused(self, flight: Flight, reason: str) -> None:
        """Kafka has not kept this record. What was joined in it is tried apart, so that each fails for itself alone."""
        logger.warning("Kafka refused a record of %d bytes: %s", flight.batch.size, reason)
        if len(flight.batch.pieces) > 1:
            self._open.add_alone(flight.batch.pieces)
            self.pending_bytes += flight.batch.size
        else:
            flight.batch.fail(f"Kafka refused the record: {reason}")
        if flight.link is self._connections.link and not self._closed:
            self._connections.renew()

    def _broke(self, flight: Flight, reason: str) -> None:
        reason = f"sending to Kafka failed: {reason}"
        logger.warning(reason)
        flight.batch.fail(reason)
        if flight.link is self._connections.link:
            self._refuse(reason)
            self._connections.drop()

    # Signs of life

    def _acknowledged(self) -> None:
        if self._refusal and not self._closed:
            logger.warning("Kafka takes frames again")
            self._refusal = ""
        self._acknowledged_at = self._silent_since = self._loop.time()

    def _refuse(self, reason: str) -> None:
        if not self._refusal:
            logger.warning("%s; refusing frames until one is acknowledged", reason)
            self._refusal = reason

    def _connected(self, link: Link) -> None:
        self._beat(link)
        self._send_due()

    def _not_connected(self, reason: str) -> None:
        if self._connections.link is None:
            self._refuse(reason)

    async def _tick(self) -> None:
        last = self._loop.time()
        while True:
            await asyncio.sleep(self._tick_seconds)
            now = self._loop.time()
            # A loop that was busy elsewhere has not read what Kafka may have answered: no silence of Kafka's.
            self._silent_since += max(0.0, now - last - 2 * self._tick_seconds)
            last = now
            try:
                self._look(now)
            except Exception:
                logger.exception("looking after the log failed")  # the deadlines must go on

    def _look(self, now: float) -> None:
        before = now + self._tick_seconds - self._deadline
        self.pending_bytes -= self._open.expire(before, NO_ANSWER)
        for flight in self._flights:
            flight.batch.expire(before, NO_ANSWER)
        link = self._connections.link
        silence = now - self._silent_since
        if silence > SILENCE_SECONDS:
            self._refuse("Kafka acknowledges nothing" if link else "Kafka is not connected")
        if link is None or min(silence, now - self._connections.made_at) > MOVED_SECONDS:
            self._connections.renew()
        if link is not None:
            link.partitions = link.producer.partitions()
            if silence > HEARTBEAT_SECONDS:
                self._beat(link)
            self._send_due()

    def _beat(self, link: Link) -> None:
        if any(flight.batch.heartbeat for flight in link.flights):
            return
        if (partition := link.free()) is not None:
            # It overtakes what waits, and a frame tells up to when everything received stands before it.
            self._send(Batch((), self._open.received_at(self._clock())), link, partition)
