"""Processes that tests start: killed, frozen and ended by id, and never left behind, not even by `kill -9` of pytest.

A second, tiny process reads from a pipe which process groups are ours. The pipe closes when the tests end, however they
end, and it kills what is still there. (Linux could do this with `PR_SET_PDEATHSIG`, but that one fires when the
*thread* ends that started the process.)
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

REAPER = """
import os, signal, sys
groups = set()
for line in sys.stdin:
    (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
for group in groups:
    try:
        os.killpg(group, signal.SIGKILL)
    except OSError:
        pass
"""


class _Reaper:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def tell(self, line: str) -> None:
        with self._lock:
            if self._process is None:
                self._process = subprocess.Popen(
                    [sys.executable, "-SEc", REAPER], stdin=subprocess.PIPE, text=True, start_new_session=True
                )
            assert self._process.stdin is not None
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()


_reaper = _Reaper()


class Child:
    """One running command, leader of a process group of its own; the signals go to the whole group."""

    def __init__(
        self,
        command: Sequence[str],
        output: Path,
        *,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._output = output
        with output.open("ab") as file:
            self.process: subprocess.Popen[bytes] = subprocess.Popen(
                command, cwd=folder, env=environment, stdout=file, stderr=subprocess.STDOUT, start_new_session=True
            )
        _reaper.tell(f"+{self.process.pid}")

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    @property
    def output(self) -> str:
        """The last it has printed, for the message of a failure."""
        return self._output.read_text(errors="replace")[-3000:]

    def answer(self, what: str, ask: Callable[[], T | None], seconds: float) -> T:
        """The first answer that is not None; kills it when there is none in time, and fails at once when it ends."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not self.running:
                raise AssertionError(f"{what} ended with {self.process.returncode}:\n{self.output}")
            if (answer := ask()) is not None:
                return answer
            time.sleep(0.05)
        self.kill()
        raise AssertionError(f"{what} does not answer after {seconds:g} s:\n{self.output}")

    def signal(self, number: signal.Signals) -> None:
        """To every process of the group; nothing happens when all are gone."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def freeze(self) -> None:
        """SIGSTOP: connections stay open, nothing answers. On a busy machine it takes a while to reach every thread."""
        self.signal(signal.SIGSTOP)
        with contextlib.suppress(ChildProcessError):  # it has ended, and was waited for
            os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def thaw(self) -> None:
        self.signal(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL: no handler runs, also when it is frozen or its first process is gone already."""
        self.signal(signal.SIGKILL)
        self.process.wait()
        _reaper.tell(f"-{self.process.pid}")

    def stop(self, seconds: float = 20.0) -> int:
        """SIGTERM to the leader, SIGKILL to what is left after `seconds`; answers the leader's exit code."""
        self.thaw()
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)
        self.kill()
        return self.process.returncode
