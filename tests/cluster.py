"""Sojourn as it runs in production, on this machine: a real Kafka, a store behind HTTP and the three services, each a
process of its own that a test may kill, freeze and start again.
"""

from __future__ import annotations

import copy
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from tests.kafka.broker import Broker
from tests.kafka.presence import seen
from tests.service import HTTP, READ_TOKEN, ROOT, TENANTS, WRITE_KEY, Service
from tests.store_server import StoreServer

PENDING = re.compile(r"^sojourn_log_pending_bytes (\S+)$", re.MULTILINE)


class Member(Service):
    """One service of a cluster; its signals go to its workers too, and it ends with the tests."""

    def workers(self) -> list[int]:
        """Ids of the processes that the service has started and that live."""
        assert self.process is not None
        found = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
        pairs = [line.split() for line in found.splitlines()]
        return [int(pid) for pid, parent in pairs if int(parent) == self.process.pid]

    def freeze(self) -> None:
        assert self.child is not None
        self.child.freeze()

    def thaw(self) -> None:
        assert self.child is not None
        self.child.thaw()


class Cluster:
    """All of it. `with Cluster(folder) as cluster:` starts it and ends it, also on failure. Raises `NoKafka`.

    It is spoken to as one tenant: the first of the file, or with `tenant` another one.
    """

    tenant_id: str = TENANTS["tenants"][0]["id"]
    write_key, read_token = WRITE_KEY, READ_TOKEN

    def __init__(
        self,
        folder: Path,
        *,
        workers: int = 2,
        environment: Mapping[str, str] | None = None,
        tenants: Mapping[str, Any] = TENANTS,
        broker: Broker | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._tenants = list(tenants["tenants"])
        self._write_tenants()
        self.broker = broker or Broker(folder / "kafka")
        self.store = StoreServer(folder / "store")
        self.environment = {
            "KAFKA_BOOTSTRAP_SERVERS": self.broker.bootstrap,
            "SOJOURN_STORE_DSN": self.store.dsn(),
            "SOJOURN_TENANTS": str(folder / "tenants.json"),
            "SOJOURN_SESSION_SECONDS": "6",  # the least that a broker takes: after a kill the tests wait for it
            **(environment or {}),
        }
        self.members: list[Member] = []
        self._is_set_up = False
        self.ingest = self.member("ingest", "ingest")
        self.processors = self.member("processors", "processors", "--workers", str(workers))
        self.query = self.member("query", "query")

    def member(self, name: str, *arguments: str, environment: Mapping[str, str] | None = None) -> Member:
        """One more service on the same Kafka and store, not started; the cluster ends it."""
        added = Member(
            self._folder / name,
            arguments=arguments,
            environment={**self.environment, **(environment or {})},
            tenants=None,
        )
        self.members.append(added)
        return added

    def run(self, *arguments: str, seconds: float = 120.0) -> str:
        """A command of `sojourn` that ends by itself; answers what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "deploy.cli", *arguments],
            cwd=ROOT,
            env={**os.environ, "SOJOURN_DATA": str(self._folder), **self.environment},
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert done.returncode == 0, f"sojourn {' '.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def _write_tenants(self) -> None:
        fresh = self._folder / "tenants.new"
        fresh.write_text(json.dumps({"tenants": self._tenants}))
        fresh.replace(self._folder / "tenants.json")

    @contextmanager
    def tenant(self, name: str, **settings: Any) -> Iterator[Self]:
        """The same cluster as another tenant sees it, which has nothing yet, and is gone with the block."""
        keys = {"write_keys": [f"wk_{name}"], "read_tokens": [f"rt_{name}"], "sources": []}
        added = {**TENANTS["tenants"][0], **settings, **keys, "id": name}
        seen = copy.copy(self)
        seen.tenant_id, seen.write_key, seen.read_token = name, f"wk_{name}", f"rt_{name}"
        self._tenants.append(added)
        self._write_tenants()
        try:
            seen.wait_until_ready()
            yield seen
        finally:
            self._tenants.remove(added)
            self._write_tenants()

    def wait_until_ready(self, seconds: float = 60.0) -> None:
        """Until each service can do its work and knows the tenant."""
        for member in self.members:
            member.wait_until_ready(seconds)
        deadline = time.monotonic() + seconds
        while self.send([]).status_code == 401 or not self.status():
            assert time.monotonic() < deadline, f"{self.tenant_id} is not known after {seconds:g} s"
            time.sleep(0.05)

    def start(self) -> None:
        """Start everything, and wait until it is ready; on failure nothing is left. What was set up stays so."""
        try:
            early = [member for member in self.members if member is not self.processors]
            for member in early:  # they start without Kafka and store, and become ready once those are
                member.spawn()
            with ThreadPoolExecutor(2) as pool:
                kafka, store = pool.submit(self.broker.start), pool.submit(self.store.start)
                seen("native", kafka.result())
                store.result()
            if not self._is_set_up:
                self.run("setup")
                self._is_set_up = True
            self.processors.spawn()
            for member in self.members:
                member.wait_until_ready(120.0)  # an overloaded machine took 80 s
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End everything, by id; what the folder holds stays."""
        for member in self.members:
            member.kill()
        self.store.kill()
        self.broker.kill()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def send(self, body: Any, **headers: str) -> httpx.Response:
        """POST to ingest's native route."""
        return self.ingest.send(body, **{"Authorization": f"Bearer {self.write_key}", **headers})

    def metric(self, path: str, **parameters: str) -> Any:
        """GET below `/v1/metrics/` of query; the body, decoded."""
        return self.query.metric(path, self.read_token, **parameters)

    def status(self) -> dict[str, Any]:
        """`/v1/status` of query; empty while it has none to give."""
        headers = {"Authorization": f"Bearer {self.read_token}"}
        try:
            answer = HTTP.get(self.query.url + "/v1/status", headers=headers, timeout=40.0)
        except httpx.TransportError:
            return {}
        body: dict[str, Any] = answer.json() if answer.status_code == 200 else {}
        return body

    def settle(self, seconds: float = 30.0, instant: datetime | None = None) -> None:
        """Wait until ingest holds nothing back and all that was received before `instant` (now) is counted."""
        instant = instant or datetime.now(UTC)
        deadline = time.monotonic() + seconds
        status: dict[str, Any] = {}
        pending = "?"
        while time.monotonic() < deadline:
            if pending != "0":
                found = PENDING.search(HTTP.get(self.ingest.url + "/metrics", timeout=10.0).text)
                pending = "0" if found is not None and float(found[1]) == 0 else "?"
            status = self.status()
            if pending == "0" and status and datetime.fromisoformat(status["watermark"]) > instant:
                return
            time.sleep(0.1)
        told = f"{instant.isoformat()} is not counted after {seconds:g} s: {status}"
        raise AssertionError(f"{told}\n{self.processors.output[-3000:]}")
