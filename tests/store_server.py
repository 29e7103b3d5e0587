"""A ClickHouse for tests, as a process of its own: the server of tests/clickhouse_http.py, killed and frozen."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.processes import Child
from tests.service import HTTP, ROOT, free_port

GIVEN = "SOJOURN_TEST_STORE_DSN"


class StoreServer:
    """One folder and one port; the process behind them comes and goes."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.child: Child | None = None
        self.folder = folder

    def dsn(self, database: str = "sojourn") -> str:
        """What `SOJOURN_STORE_DSN` takes."""
        return f"http://default:@127.0.0.1:{self.port}/{database}"

    def start(self, seconds: float = 60.0) -> None:
        """Start, or start again on the same folder and port; returns once it answers."""
        command = [sys.executable, "-m", "tests.clickhouse_http", str(self.folder), str(self.port)]
        self.child = Child(command, self.folder / "output", folder=ROOT)
        self.child.answer("the store", self._pong, seconds)

    def _pong(self) -> bool | None:
        try:
            return HTTP.get(self.url + "/ping", timeout=2.0).status_code == 200 or None
        except httpx.TransportError:
            return None

    def faults(self, *lines: str) -> None:
        """What goes wrong from now on, as tests/clickhouse_http.py reads it; nothing: all is well again."""
        fresh = self.folder / "faults.new"
        fresh.write_text("\n".join(lines))
        fresh.replace(self.folder / "faults")

    def kill(self) -> None:
        """SIGKILL; rows whose insert was answered are in the files of the machine."""
        if self.child is not None:
            self.child.kill()

    def freeze(self) -> None:
        """SIGSTOP: connections are still made by the kernel, nothing answers."""
        assert self.child is not None
        self.child.freeze()

    def thaw(self) -> None:
        assert self.child is not None
        self.child.thaw()

    def revive(self) -> None:
        """Have it run and answer well, whatever was done to it."""
        self.faults()
        if self.child is None or not self.child.running:
            self.start()
        else:
            self.thaw()

    def stop(self) -> None:
        if self.child is not None:
            self.child.stop()


@contextmanager
def _container() -> Iterator[str]:
    """ClickHouse's own image. Raises `LookupError` where no engine answers or it cannot run the image."""
    try:
        from testcontainers.community.clickhouse import ClickHouseContainer
        from testcontainers.core.docker_client import DockerClient

        DockerClient().client.ping()
        container = ClickHouseContainer("clickhouse/clickhouse-server:26.9", username="test", password="test")
        container.start()
    except Exception as error:  # whatever Docker lacks, the server of these tests may do
        raise LookupError(str(error)) from error
    try:
        yield f"http://test:test@{container.get_container_host_ip()}:{container.get_exposed_port(8123)}"
    finally:
        container.stop()


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """The DSN of a server, without a database: `SOJOURN_TEST_STORE_DSN`, else a container, else `StoreServer`."""
    if given := os.environ.get(GIVEN, ""):
        yield given
        return
    try:
        with _container() as dsn:
            yield dsn
            return
    except LookupError:
        pass
    server = StoreServer(folder)
    try:
        server.start()
        yield server.dsn("")
    finally:
        server.kill()
