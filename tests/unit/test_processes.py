"""Nothing that a test starts outlives the tests."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from tests.processes import Child
from tests.service import ROOT

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
STARTS_TWO_AND_IS_KILLED = f"""
import os, pathlib, sys
from tests.processes import Child
folder = pathlib.Path(sys.argv[1])
children = [Child({SLEEP!r}, folder / "a"), Child({SLEEP!r}, folder / "b")]
children[0].freeze()
print(*(child.process.pid for child in children), flush=True)
os.kill(os.getpid(), 9)
"""


def gone(pid: int) -> bool:
    """Whether no such process runs any more (a zombie that nobody has waited for does not run)."""
    told = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return told.strip()[:1] in {"", "Z"}


def test_children_end_with_the_tests_even_by_kill_9(tmp_path: Path) -> None:
    command = [sys.executable, "-c", STARTS_TWO_AND_IS_KILLED, str(tmp_path)]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=30).stdout
    pids = [int(pid) for pid in printed.split()]
    assert len(pids) == 2
    deadline = time.monotonic() + 10
    while not all(gone(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert all(gone(pid) for pid in pids)


def test_a_frozen_child_can_be_killed_and_one_that_ended_too(tmp_path: Path) -> None:
    child = Child(SLEEP, tmp_path / "output")
    child.freeze()
    assert child.process.poll() is None
    child.kill()
    child.kill()
    assert child.process.returncode == -9
    ended = Child(["true"], tmp_path / "output")
    ended.process.wait()
    assert ended.stop() == 0
