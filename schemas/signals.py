"""Every signal that a service tells of itself at `/metrics`, as a value; and how any signal becomes Prometheus' text.

The text is written here and not by prometheus-client: all that is needed of it is these few lines, while its metrics
register themselves in a global, which would make a second declaration of each signal.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Signal:
    """One family of time series, one series for each combination of its labels' values."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    meaning: str
    labels: tuple[str, ...] = ()


SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of the buckets of every histogram, so that any two can be added."""


@dataclass(slots=True)
class Histogram:
    """How often something took how long; `counts` by bucket, the last one for all that took longer."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(SECONDS) + 1))
    total: float = 0.0

    def observe(self, seconds: float) -> None:
        """It took so long once more."""
        self.counts[bisect_left(SECONDS, seconds)] += 1
        self.total += seconds


READY = Signal("sojourn_ready", "gauge", "1 while the service can do its work, else 0; /readyz says why.")
REQUESTS = Signal("sojourn_http_requests_total", "counter", "Requests answered, by status.", ("status",))
IN_FLIGHT = Signal("sojourn_http_requests_in_flight", "gauge", "Requests being answered now.")
REQUEST_SECONDS = Signal(
    "sojourn_http_request_seconds",
    "histogram",
    "Time to the first byte of an answer, by what was asked for.",
    ("kind",),
)
CONNECTIONS_CUT = Signal(
    "sojourn_http_connections_cut_total",
    "counter",
    "Connections that the service ended by itself, by reason (idle ones are none to worry about).",
    ("reason",),
)
ACCEPTED = Signal("sojourn_events_accepted_total", "counter", "Events that the log has, duplicates included.")
REJECTED = Signal("sojourn_events_rejected_total", "counter", "Items that were refused and stored as dead letters.")
OVER_QUOTA = Signal(
    "sojourn_quota_refusals_total",
    "counter",
    "Requests that were refused because a quota of the tenant or its key was used up.",
    ("tenant", "resource"),
)
PENDING = Signal("sojourn_log_pending_bytes", "gauge", "Bytes that wait for the log.")
INSERTS = Signal("sojourn_store_inserts_total", "counter", "Inserts that the store took.")
FAILURES = Signal("sojourn_store_insert_failures_total", "counter", "Inserts that the store did not take.")
STORE_SECONDS = Signal(
    "sojourn_store_call_seconds", "histogram", "Time that calls of the store took, waiting included.", ("call",)
)
STORE_WAITING = Signal("sojourn_store_calls_waiting", "gauge", "Calls of the store that wait or run now.", ("call",))
STORED_AFTER = Signal(
    "sojourn_stored_after_seconds", "histogram", "Time from the receipt of a frame until its rows were in the store."
)
LISTENERS = Signal("sojourn_stream_listeners", "gauge", "Readers of /v1/stream that are connected now.")
QUESTIONS = Signal("sojourn_stream_questions", "gauge", "Different questions that are computed for them.")
ROUNDS = Signal("sojourn_stream_rounds_total", "counter", "Times that a question was computed for all its readers.")
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
DEAD_LETTERS = Signal("sojourn_dead_letters_total", "counter", "Dead letters, by reason.", ("reason",))
RETRIES = Signal("sojourn_delivery_retries_total", "counter", "Times that storing a batch had to be tried again.")
DECODE_SECONDS = Signal("sojourn_decode_seconds_total", "counter", "CPU time spent on decoding frames.")
FOLD_SECONDS = Signal("sojourn_fold_seconds_total", "counter", "CPU time spent on turning events into rows.")
KEPT = Signal("sojourn_kept_jobs_total", "counter", "How often the rolling windows of a metric were counted again.")
KEEPING_FAILURES = Signal("sojourn_kept_jobs_failed_total", "counter", "Times that this failed; it is tried again.")
KEEPING_SECONDS = Signal("sojourn_kept_jobs_seconds_total", "counter", "Time spent on it.")
KEPT_AGE = Signal("sojourn_kept_age_seconds", "gauge", "Age of the oldest published answer of a rolling window.")
DAMAGES = Signal("sojourn_open_damages", "gauge", "Losses of rows that are not made good, by table.", ("table",))
WORKER_STARTS = Signal("sojourn_worker_starts_total", "counter", "How often each worker was started.", ("worker",))
WORKER_CPU = Signal("sojourn_worker_cpu_seconds_total", "counter", "CPU time that each worker has spent.", ("worker",))
PARTITIONS = Signal("sojourn_worker_partitions", "gauge", "Partitions that each worker reads.", ("worker",))
# Under the names that Prometheus' own clients give them.
PROCESS_CPU = Signal("process_cpu_seconds_total", "counter", "CPU time that this process has spent.")
PROCESS_MEMORY = Signal("process_resident_memory_bytes", "gauge", "Memory that this process has resident.")
PROCESS_START = Signal("process_start_time_seconds", "gauge", "When this process was started (Unix time).")

SIGNALS: tuple[Signal, ...] = (
    READY,
    REQUESTS,
    IN_FLIGHT,
    REQUEST_SECONDS,
    CONNECTIONS_CUT,
    ACCEPTED,
    REJECTED,
    OVER_QUOTA,
    PENDING,
    INSERTS,
    FAILURES,
    STORE_SECONDS,
    STORE_WAITING,
    STORED_AFTER,
    LISTENERS,
    QUESTIONS,
    ROUNDS,
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
    DAMAGES,
    WORKER_STARTS,
    WORKER_CPU,
    PARTITIONS,
    KEPT,
    KEEPING_FAILURES,
    KEEPING_SECONDS,
    KEPT_AGE,
    PROCESS_CPU,
    PROCESS_MEMORY,
    PROCESS_START,
)

Reading = float | Histogram | Mapping[str, float] | Mapping[str, Histogram] | Mapping[tuple[str, ...], float]
"""A number or a histogram, or one for each value of the signal's label, or of its labels."""
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def prometheus(readings: Mapping[Signal, Reading]) -> str:
    """Readings in Prometheus' text format, version 0.0.4."""
    lines: list[str] = []
    for signal, reading in readings.items():
        lines += [f"# HELP {signal.name} {signal.meaning}", f"# TYPE {signal.name} {signal.kind}"]
        if isinstance(reading, Mapping):
            for key, each in reading.items():
                values = (key,) if isinstance(key, str) else key
                lines += _samples(signal.name, list(zip(signal.labels, values, strict=True)), each)
        else:
            lines += _samples(signal.name, [], reading)
    return "\n".join(lines) + "\n"


def _samples(name: str, labels: Sequence[tuple[str, str]], reading: float | Histogram) -> list[str]:
    if not isinstance(reading, Histogram):
        return [f"{name}{_braced(labels)} {reading:.17g}"]
    lines, below = [], 0
    for bound, count in zip((*map(str, SECONDS), "+Inf"), reading.counts, strict=True):
        below += count
        lines.append(f"{name}_bucket{_braced([*labels, ('le', bound)])} {below}")
    return [*lines, f"{name}_sum{_braced(labels)} {reading.total:.17g}", f"{name}_count{_braced(labels)} {below}"]


def _braced(labels: Sequence[tuple[str, str]]) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels) + "}" if labels else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
