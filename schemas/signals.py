"""Every signal that a service tells of itself at `/metrics`, as a value; the Prometheus text is derived from here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Signal:
    """One time series family."""

    name: str
    kind: Literal["counter", "gauge"]
    meaning: str
    label: str = ""


REQUESTS = Signal("sojourn_http_requests_total", "counter", "Requests answered, by status.", "status")
IN_FLIGHT = Signal("sojourn_http_requests_in_flight", "gauge", "Requests being answered now.")
ACCEPTED = Signal("sojourn_events_accepted_total", "counter", "Events that the log has, duplicates included.")
REJECTED = Signal("sojourn_events_rejected_total", "counter", "Items that were refused, kept as dead letters.")
PENDING = Signal("sojourn_log_pending_bytes", "gauge", "Bytes that wait for the log.")
INSERTS = Signal("sojourn_store_inserts_total", "counter", "Inserts that the store took.")
FAILURES = Signal("sojourn_store_insert_failures_total", "counter", "Inserts that the store did not take.")
WATERMARK_AGE = Signal("sojourn_watermark_age_seconds", "gauge", "Age of the receipt time up to which all is counted.")

SIGNALS: tuple[Signal, ...] = (
    REQUESTS,
    IN_FLIGHT,
    ACCEPTED,
    REJECTED,
    PENDING,
    INSERTS,
    FAILURES,
    WATERMARK_AGE,
)

Reading = float | Mapping[str, float]
"""A number, or one for each value of the signal's label."""


def prometheus(readings: Mapping[Signal, Reading]) -> str:
    """Readings in Prometheus' text format."""
    lines: list[str] = []
    for signal, reading in readings.items():
        lines += [f"# HELP {signal.name} {signal.meaning}", f"# TYPE {signal.name} {signal.kind}"]
        if isinstance(reading, Mapping):
            lines += [f'{signal.name}{{{signal.label}="{value}"}} {number:.17g}' for value, number in reading.items()]
        else:
            lines.append(f"{signal.name} {reading:.17g}")
    return "\n".join(lines) + "\n"
