"""Whether a Kafka is there for the tests: which ones have started in this process, and what happens where none can."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest

from tests.kafka.jars import NoKafka
from tests.kafka.protocol import Versions

REQUIRED = "SOJOURN_REQUIRE_KAFKA"
started: set[str] = set()


def required() -> bool:
    """Whether a missing Kafka is a failure (in CI) and not a reason to skip."""
    return os.environ.get(REQUIRED) == "1"


def seen(source: str, versions: Versions) -> None:
    """A broker has started: name it at the end of the run."""
    started.add(f"{source}, {versions}")


def missing(reason: NoKafka) -> NoReturn:
    """Skip the test, or fail it where Kafka is required."""
    if required():
        pytest.fail(f"{REQUIRED}=1, and {reason}", pytrace=False)
    pytest.skip(f"Kafka: {reason}")
