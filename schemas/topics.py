"""Every topic as a value: what it carries, how it is cut and how long it is kept."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic; its name in the broker is `<prefix>.<name>`."""

    name: str
    meaning: str
    partitions: int
    retention_hours: int

    def full_name(self, prefix: str) -> str:
        """The name in a broker that several installations may share."""
        return f"{prefix}.{self.name}"


MAX_RECORD_BYTES = 2 << 20
"""What the broker and its clients take as one record; a frame stays far below."""

EVENTS = Topic("events", "Frames of accepted events (NDJSON), to the partitions in turn.", 8, 7 * 24)
DEAD_LETTERS = Topic("dead_letters", "What was refused, with the reason and the original item.", 1, 30 * 24)
TOPICS: dict[str, Topic] = {topic.name: topic for topic in (EVENTS, DEAD_LETTERS)}


def processors_group(prefix: str) -> str:
    """The consumer group of the processors of one installation."""
    return f"{prefix}.processors"
