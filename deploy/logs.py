"""How a process writes its log: one JSON object a line for machines, plain lines for a person at a terminal.

Both name the request that was being answered, so that a record leads to the rows of the archive with that id.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

from schemas.periods import format_instant
from schemas.tracing import CURRENT


class JsonLines(logging.Formatter):
    """One object a line: time, level, service, logger, message; request_id and exception where there is one."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, Any] = {
            "time": format_instant(int(record.created * 1000)),
            "level": record.levelname,
            "service": self._service,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id := CURRENT.get():
            told["request_id"] = request_id
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False)


class Lines(logging.Formatter):
    """For a person."""

    def __init__(self, service: str) -> None:
        super().__init__(f"%(asctime)s %(levelname)s {service} %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        return f"{text} [{request_id}]" if (request_id := CURRENT.get()) else text


def configure(service: str, chosen: str = "") -> None:
    """Write the records of this process to stderr; `chosen` is json or text, else whatever suits who reads there."""
    as_text = chosen == "text" or (not chosen and sys.stderr.isatty())
    handler = logging.StreamHandler()
    handler.setFormatter(Lines(service) if as_text else JsonLines(service))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
