"""aiokafka says at every attempt that a broker does not answer, thirty lines a second: here each is said less often.

What matters of an outage, its beginning, its reason and its end, the log on Kafka tells itself.
"""

from __future__ import annotations

import logging
import time

LOGGERS = ("aiokafka", "aiokafka.cluster", "aiokafka.conn", "aiokafka.producer.sender")
EVERY_SECONDS = 10.0


class Seldom(logging.Filter):
    """Lets a message through once in a while, whatever is put into its template."""

    def __init__(self) -> None:
        super().__init__()
        self._told: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        now = time.monotonic()
        if now - self._told.get(str(record.msg), -EVERY_SECONDS) < EVERY_SECONDS:
            return False
        self._told[str(record.msg)] = now
        return True


_seldom = Seldom()


def quiet() -> None:
    """Put the filter before aiokafka's loggers; once, however often it is called."""
    for name in LOGGERS:
        logging.getLogger(name).addFilter(_seldom)
