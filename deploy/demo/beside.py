"""The demo beside the one-process service: a process of its own that sends over loopback, as any producer does.

Measured: making a day's 4,000 events takes 70 ms of Python. In the service's own event loop every question would wait
for that, and one core would make, take and count them; beside it, the making has another core and questions come
between any two requests.
"""

from __future__ import annotations

import logging
import subprocess
import sys

logger = logging.getLogger(__name__)

WAIT_SECONDS = 5.0


class Beside:
    """The process, once it is started."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, base: str) -> None:
        """Fill the first tenant of the file, which both know from their environment; no key is an argument."""
        command = [sys.executable, "-m", "deploy.cli", "demo", "--url", base]
        try:
            self._process = subprocess.Popen(command)
        except OSError as error:
            logger.warning("the demo cannot be started: %s", error)

    def stop(self) -> None:
        """Tell it to end; it stops sending at once."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def wait(self) -> None:
        """Until it has ended."""
        self.stop()
        if self._process is not None:
            try:
                self._process.wait(WAIT_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
