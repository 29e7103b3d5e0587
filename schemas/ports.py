"""What the core asks of the outside: a log that takes frames and a store that takes rows and answers SQL.

Kafka and the in-process log stand behind `Log`, chDB and a ClickHouse server behind `Store`; nothing in ingest,
stream_processors or query_api knows which.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from schemas.record import Frame

ABORT = "sojourn.abort"
"""Extension of our HTTP server (ASGI): cuts a connection without waiting for its reader."""


class LogUnavailable(Exception):
    """The log did not take a frame (or nobody knows whether it did): answer 503 and let the client send it again."""

    def __init__(self, reason: str, retry_after: int = 2) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class RecordsRefused(Exception):
    """The frame is durable but for records that can never be counted: they are dead letters now.

    `refused` is why, by place in the frame's records. Only a log that is the store itself knows so much at once.
    """

    def __init__(self, refused: Mapping[int, str]) -> None:
        super().__init__(next(iter(refused.values()), ""))
        self.refused = refused


class StoreUnavailable(Exception):
    """The store cannot answer now; trying the same again later is safe."""


class StoreRejected(Exception):
    """The store understood and refused (a type, a syntax, a limit): trying the same again cannot help."""


class QuestionTooLarge(StoreRejected):
    """A question needs more memory or time, or has a larger result, than one statement may."""


class Log(Protocol):
    """Where ingest puts frames."""

    async def append(self, frame: Frame) -> None:
        """Return once the frame is durable. Raises `LogUnavailable`, at the latest when the log's deadline is over,
        and `RecordsRefused`.

        After a deadline the frame may still become durable: nobody knows, and sending it again is safe.
        """
        ...

    def ready(self) -> bool:
        """Whether a frame would be taken now."""
        ...


class Queries(Protocol):
    """What answers SQL, to many tasks at the same time."""

    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Rows of a SELECT with bound `{name:Type}` parameters. Raises `StoreUnavailable`, `StoreRejected`."""
        ...


class Store(Queries, Protocol):
    """Where rows live. Both calls may run at the same time from many tasks."""

    async def insert(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        """Append rows, given by column. Raises `StoreUnavailable`, `StoreRejected`."""
        ...
