"""Test entry point: `sojourn ingest`, with the mutant `no-idempotence` on a producer that may write a record twice."""

from __future__ import annotations

import os
from functools import partial

from deploy import ingest_service
from deploy.kafka.producer import connect
from schemas import settings

if __name__ == "__main__":
    idempotent = os.environ.get("SOJOURN_TEST_MUTANT") != "no-idempotence"
    ingest_service.run(settings.read(os.environ), partial(connect, idempotent=idempotent))
