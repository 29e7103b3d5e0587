"""Test entry point: `sojourn processors --workers N` with the workers of tests/faults/worker.py; N is the argument."""

from __future__ import annotations

import os
import sys

from deploy import processors
from schemas import settings

if __name__ == "__main__":
    processors.run(settings.read(os.environ, port=8082), int(sys.argv[1]), "tests.faults.worker")
