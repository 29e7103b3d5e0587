"""What a worker says of its keeping, which its parent adds up; of both, so it loads no more."""

from __future__ import annotations

from schemas import signals
from schemas.signals import Signal

KEPT: dict[str, Signal] = {
    "kept_jobs": signals.KEPT,
    "kept_failures": signals.KEEPING_FAILURES,
    "kept_seconds": signals.KEEPING_SECONDS,
}
"""What only grows, by the signal that it becomes."""
