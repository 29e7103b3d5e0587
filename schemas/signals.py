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
WATERMARK_FAILURES = Signal(
    "sojourn_watermark_read_failures_total", "counter", "Times that the watermark could not be read from the store."
)
LAG = Signal("sojourn_log_lag_records", "gauge", "Records of the log that no worker has counted yet.")
LOG_READY = Signal("sojourn_log_ready", "gauge", "1 while the log takes events, else 0.")
PROCESSED = Signal(
    "sojourn_events_processed_total", "counter", "Events whose rows are in the store, redelivered ones too."
)
FRAMES = Signal("sojourn_frames_processed_total", "counter", "Frames of the log that were processed.")
DEAD_LETTERS = Signal("sojourn_dead_letters_total", "counter", "Dead letters that were kept, by reason.", "reason")
RETRIES = Signal("sojourn_delivery_retries_total", "counter", "Times that storing a batch had to be tried again.")
DECODE_SECONDS = Signal("sojourn_decode_seconds_total", "counter", "CPU time spent on decoding frames.")
FOLD_SECONDS = Signal("sojourn_fold_seconds_total", "counter", "CPU time spent on turning events into rows.")
WORKER_STARTS = Signal("sojourn_worker_starts_total", "counter", "How often each worker was started.", "worker")
PARTITIONS = Signal("sojourn_worker_partitions", "gauge", "Partitions that each worker reads.", "worker")

SIGNALS: tuple[Signal, ...] = (
    REQUESTS,
    IN_FLIGHT,
    ACCEPTED,
    REJECTED,
    PENDING,
    INSERTS,
    FAILURES,
    WATERMARK_AGE,
    WATERMARK_FAILURES,
    LAG,
    LOG_READY,
    PROCESSED,
    FRAMES,
    DEAD_LETTERS,
    RETRIES,
    DECODE_SECONDS,
    FOLD_SECONDS,
    WORKER_STARTS,
    PARTITIONS,
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
