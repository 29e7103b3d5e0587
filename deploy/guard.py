"""The guard at the edge: bounds on what a connection may cost before anything is known of its caller.

Two clients may hold a server up without ever saying a word that costs them anything: one that is slow (it sends
nothing, or a little at a time, or never reads its answer) and one that is endless (a header without an end). Each
connection has one deadline, which moves only when its state changes, and one sweep a second looks at all of them; a
request that arrives whole costs two assignments. How fast a body has to come is Apache's rule (mod_reqtimeout): some
seconds, and one more for so many bytes.

A connection is a stranger's until a request with a valid key has come over it. Of strangers, the one that waits longest
gives way when there are too many, from one address or in all: a client that means it sends its request at once. Behind
a proxy all connections have one address, and those that carry keys do not count.
"""

from __future__ import annotations

import math
import resource
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

FOREVER = math.inf
SPARE_FILES = 256
"""Descriptors that are left for the store, the log and the process."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What any connection may cost."""

    head_bytes: int = 64 << 10
    """Also of the blank lines before it, which a server has to skip."""
    head_lines: int = 100
    target_bytes: int = 16 << 10
    query_fields: int = 256
    head_seconds: float = 10.0
    """For a whole head, from the start of the connection or from the head's first byte."""
    body_seconds: float = 10.0
    body_bytes_per_second: float = 1_000.0
    body_longest_seconds: float = 60.0
    body_wire_bytes: int = 8 << 20
    """Of a body with all that frames its chunks; how much may be in it is said where it is read."""
    idle_seconds: float = 30.0
    unread_seconds: float = 30.0
    """How long a client may take none of an answer."""
    farewell_seconds: float = 2.0
    """How long a refused client may go on sending, so that it reads why (closing at once would reset it)."""
    farewell_bytes: int = 1 << 20
    pipelined: int = 64
    """Requests that are sent before the answer to the one before them."""
    unfinished_bytes: int = 16 << 20
    """Of all half-sent heads together."""
    address_connections: int = 1_000
    """Of strangers from one address; 0: any number."""
    connections: int = 20_000

    def body_until(self, began: float, size: int) -> float:
        """The time by which a body has to be whole if no more than `size` bytes have come of it."""
        return began + min(self.body_longest_seconds, self.body_seconds + size / self.body_bytes_per_second)


class Connection(Protocol):
    """The guard's view of a connection."""

    address: str
    deadline: float

    def expire(self, now: float) -> None:
        """Move the deadline, or end the connection."""

    def cut(self, reason: str) -> None:
        """End the connection at once."""


def open_files(wanted: int) -> int:
    """Raise this process's limit of open files as far as it may; answers how many connections leave it room."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = hard if hard != resource.RLIM_INFINITY else wanted + SPARE_FILES
    if soft < (needed := min(most, wanted + SPARE_FILES)):
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
        soft = needed
    return max(16, min(wanted, soft - SPARE_FILES))


class Guard:
    """Knows the connections of one process; `cut` counts those that it ended, by reason."""

    def __init__(self, limits: Limits, cut: Counter[str]) -> None:
        self.limits = limits
        self.cut = cut
        self.unfinished = 0
        """Bytes of heads that have begun and not ended."""
        self._connections = open_files(limits.connections)
        self._open = 0
        self._strangers: dict[Connection, None] = {}  # the oldest first
        self._by_address: dict[str, dict[Connection, None]] = {}
        self._by_tenant: Counter[str] = Counter()

    def opened(self, connection: Connection) -> None:
        """Take a new connection in; another may have to give way to it."""
        self._open += 1
        here = self._by_address.setdefault(connection.address, {})
        if 0 < self.limits.address_connections <= len(here):
            self._give_way(here)
        if self._open > self._connections and not self._give_way(self._strangers):
            connection.cut("too_many")
        self._strangers[connection] = here[connection] = None

    def closed(self, connection: Connection, tenant: str) -> None:
        """Forget a connection; `tenant` is empty for a stranger's."""
        self._open -= 1
        if tenant:
            self._leave_tenant(tenant)
        else:
            self._no_stranger(connection)

    def known(self, connection: Connection, tenant: str, before: str) -> bool:
        """Note that a request with a valid key came; `before` is whose the connection was, empty for a stranger's.

        Answers whether the tenant may keep the connection: one alone gets no more than half of all.
        """
        if before:
            self._leave_tenant(before)
        else:
            self._no_stranger(connection)
        self._by_tenant[tenant] += 1
        return self._by_tenant[tenant] * 2 <= self._connections

    def begun(self, size: int) -> None:
        """Hold so many bytes of a half-sent head; the stranger that waits longest gives way when there is no room."""
        self.unfinished += size
        if self.unfinished > self.limits.unfinished_bytes:
            self._give_way(self._strangers)

    def sweep(self, connections: Iterable[Connection], now: float) -> None:
        """End what has waited too long; once a second."""
        for connection in connections:
            if connection.deadline <= now:
                connection.expire(now)

    def _give_way(self, among: dict[Connection, None]) -> bool:
        """End the oldest connection that waits for its client, unless all wait for us."""
        oldest = next((each for each in among if each.deadline < FOREVER), None)
        if oldest is None:
            return False
        self._no_stranger(oldest)
        oldest.cut("gave_way")
        return True

    def _no_stranger(self, connection: Connection) -> None:
        self._strangers.pop(connection, None)
        here = self._by_address.get(connection.address)
        if here is not None:
            here.pop(connection, None)
            if not here:
                del self._by_address[connection.address]

    def _leave_tenant(self, tenant: str) -> None:
        self._by_tenant[tenant] -= 1
        if not self._by_tenant[tenant]:
            del self._by_tenant[tenant]
