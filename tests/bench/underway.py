"""Events under way while something else is measured: a load generator at a stated rate, and what processes use."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.service import ROOT

_PAGE = os.sysconf("SC_PAGE_SIZE")


def load(port: int, pid: int, *, seconds: float, rate: float = 0.0, connections: int = 64) -> subprocess.Popen[str]:
    """New single events for so long, started; it prints what it measured."""
    command = [sys.executable, "-m", "tests.bench.load", "--anew", "--warm", "0.5"]
    told = {"port": port, "pid": pid, "seconds": seconds, "rate": rate, "connections": connections}
    command += [each for name, value in told.items() for each in (f"--{name}", str(value))]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def measured(loading: subprocess.Popen[str]) -> dict[str, Any]:
    """What it measured, once it has ended."""
    out, err = loading.communicate()
    if loading.returncode:
        raise RuntimeError(f"the load generator failed: {err[-2000:]}")
    found: dict[str, Any] = json.loads(out)
    return found


def most(port: int, pid: int, seconds: float = 5.0) -> float:
    """Single events a second that are taken at most."""
    return float(measured(load(port, pid, seconds=seconds))["per_second"])


@contextmanager
def loaded(port: int, pid: int, *, seconds: float, rate: float) -> Iterator[subprocess.Popen[str]]:
    """The same around something that is measured; ended with it."""
    loading = load(port, pid, seconds=seconds, rate=rate)
    try:
        yield loading
    finally:
        if loading.poll() is None:
            loading.kill()
        loading.wait()


def resident(pid: int) -> int:
    """Bytes of memory of a process; 0: it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (FileNotFoundError, ProcessLookupError):
        return 0


class Sending(threading.Thread):
    """Calls `send` every so many seconds until told to stop; an exception ends it and is kept."""

    def __init__(self, send: Any, every: float) -> None:
        super().__init__(daemon=True)
        self._send, self._every = send, every
        self._stopped = threading.Event()
        self.sent = 0
        self.error: Exception | None = None

    def run(self) -> None:
        due = time.monotonic()
        while not self._stopped.is_set():
            try:
                self._send()
            except Exception as error:  # noqa: BLE001 -- told by whoever measures
                self.error = error
                return
            self.sent += 1
            due = max(due + self._every, time.monotonic() - 1)
            self._stopped.wait(max(0.0, due - time.monotonic()))

    def stop(self) -> None:
        self._stopped.set()
        self.join(60)


def medians(values: Sequence[float]) -> float:
    """The middle one; of none, 0."""
    ordered = sorted(values)
    return ordered[len(ordered) // 2] if ordered else 0.0
