"""Sojourn as a process of its own, for tests that talk to it over loopback, kill it and start it again."""

from __future__ import annotations

import contextlib
import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from tests.processes import Child

ROOT = Path(__file__).parents[1]
WRITE_KEY = "wk_test"
READ_TOKEN = "rt_test"
ZENDESK_SECRET = "zendesk-signing-secret"
TENANTS: dict[str, Any] = {
    "tenants": [
        {
            "id": "test",
            "timezone": "Europe/Berlin",
            "week_start": "monday",
            "currency": "EUR",
            "write_keys": [WRITE_KEY],
            "read_tokens": [READ_TOKEN],
            "allowed_origins": ["*"],
            "sources": [{"id": "zd1", "kind": "zendesk", "secrets": [ZENDESK_SECRET]}],
        }
    ]
}


HTTP = httpx.Client(verify=False, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))
"""For tests that ask again and again: a client for each request would load certificates each time, 30 ms of CPU."""
PORTS = range(15_000, 32_000)
"""Below those that systems give to outgoing connections, one of which could take a port while its server is down."""


def free_port() -> int:
    """A port that nobody listens on; drawn, so that test runs at the same time do not find the same."""
    while True:
        port = random.SystemRandom().choice(PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Service:
    """One data folder and one port; the process behind them comes and goes."""

    def __init__(
        self,
        folder: Path,
        *,
        module: str = "deploy.cli",
        arguments: tuple[str, ...] = ("serve",),
        environment: Mapping[str, str] | None = None,
        tenants: Mapping[str, Any] | None = TENANTS,
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.child: Child | None = None
        self.starts = 0
        self._command = [sys.executable, "-m", module, *arguments]
        folder.mkdir(0o700, parents=True, exist_ok=True)
        if tenants is not None:
            (folder / "tenants.json").write_text(json.dumps(tenants))
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("SOJOURN_", "KAFKA_"))}
        self.environment = inherited | {
            "SOJOURN_DATA": str(folder),
            "SOJOURN_PORT": str(self.port),
            "DEMO": "0",
            "SOJOURN_KEEP_SHARE": "0",  # half a core for each service of the tests; what needs windows says so
            **(environment or {}),
        }

    @property
    def output(self) -> str:
        """What the last process has printed so far."""
        return (self.folder / f"output.{self.starts}").read_text(errors="replace")

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """The process of the last start."""
        return self.child.process if self.child is not None else None

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start the process and do not wait for it."""
        self.starts += 1
        output = self.folder / f"output.{self.starts}"
        output.touch()
        self.child = Child(self._command, output, folder=ROOT, environment=self.environment)
        return self.child.process

    def start(self, seconds: float = 60.0) -> None:
        """Start, and wait until it is ready."""
        self.spawn()
        self.wait_until_ready(seconds)

    def wait_until_ready(self, seconds: float = 60.0) -> None:
        """Until `/readyz` says so; fails at once when the process ends."""
        process = self.process
        assert process is not None
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise AssertionError(f"the service ended with {process.returncode}:\n{self.output}")
            try:
                if HTTP.get(self.url + "/readyz", timeout=2.0).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"the service is not ready after {seconds:g} s:\n{self.output}")

    def kill(self) -> None:
        """SIGKILL to the service and its workers at once: no handler runs."""
        if self.child is not None:
            self.child.kill()

    def terminate(self, seconds: float = 20.0) -> int:
        """SIGTERM, and wait; answers the exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(seconds)

    def send(self, body: Any, **headers: str) -> httpx.Response:
        """POST to the native route."""
        return HTTP.post(
            self.url + "/v1/events",
            json=body,
            headers={"Authorization": f"Bearer {WRITE_KEY}", **headers},
            timeout=30.0,
        )

    def cookie(self) -> str:
        """A session of the page, as a browser sends it."""
        answer = HTTP.get(self.url, params={"token": READ_TOKEN})
        return answer.headers["set-cookie"].partition(";")[0]

    def metric(self, path: str, token: str = READ_TOKEN, **parameters: str) -> Any:
        """GET below `/v1/metrics/`; the body, decoded."""
        answer = HTTP.get(
            f"{self.url}/v1/metrics/{path}",
            params=parameters,
            headers={"Authorization": f"Bearer {token}"},
            timeout=30.0,
        )
        assert answer.status_code == 200, answer.text
        return answer.json()
