"""A native Apache Kafka: one node, KRaft, loopback only, which tests kill, freeze and start again."""

from __future__ import annotations

import base64
import shutil
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.kafka.jars import jars, java
from tests.kafka.protocol import NotKafka, Versions, versions
from tests.processes import Child
from tests.service import free_port

SETTINGS: Mapping[str, str] = {
    "auto.create.topics.enable": "false",
    "group.initial.rebalance.delay.ms": "0",
    "offsets.topic.num.partitions": "4",
    "offsets.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    # How soon a broker that was killed may take its place again: 5-11 s instead of 13-20 s.
    "broker.heartbeat.interval.ms": "300",
    "broker.session.timeout.ms": "2000",
}
"""What differs from Kafka's own defaults, wherever the broker of the tests runs."""
ARCHIVE = "classes.jsa"
"""Beside the jars: the classes that a broker loads, ready for use (tests/kafka/prepare.py)."""
FORMATTED = "formatted"
"""Beside the jars: an empty log folder, formatted once, because the tool for it takes as long as a start."""
LOGGING = """\
rootLogger.level=WARN
rootLogger.appenderRef.a.ref=C
appender.c.type=Console
appender.c.name=C
appender.c.layout.type=PatternLayout
appender.c.layout.pattern=%d %p %c %m%n
"""


class Broker:
    """One log folder and one port; the process behind them comes and goes. Raises `NoKafka` where none can run."""

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, str] | None = None,
        *,
        listeners: Mapping[str, str] | None = None,
        flags: Sequence[str] = (),
    ) -> None:
        """`listeners` are addresses for clients beside the one in clear, by their security protocol; `flags` are
        Java's, in place of the prepared classes.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.bootstrap = f"127.0.0.1:{self.port}"
        self.child: Child | None = None
        self._folder = folder
        self._properties = folder / "server.properties"
        self._java = [java(), "-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
        self._java += flags or [f"-XX:SharedArchiveFile={jars() / ARCHIVE}", "-Xshare:auto", "-Xlog:disable"]
        self._java += [f"-Dlog4j2.configurationFile={folder / 'log4j2.properties'}", "-cp", f"{jars()}/*"]
        controller = f"127.0.0.1:{free_port()}"
        clients = {"PLAINTEXT": self.bootstrap, **(listeners or {})}
        addresses = [f"{name}://{address}" for name, address in clients.items()]
        place = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@{controller}",
            "controller.listener.names": "CONTROLLER",
            "listeners": ",".join([*addresses, f"CONTROLLER://{controller}"]),
            "advertised.listeners": ",".join(addresses),
            "listener.security.protocol.map": ",".join(
                ["CONTROLLER:PLAINTEXT", *(f"{name}:{name}" for name in clients)]
            ),
            "inter.broker.listener.name": "PLAINTEXT",
            "log.dirs": str(folder / "data"),
        }
        lines = [f"{name}={value}\n" for name, value in {**place, **SETTINGS, **(settings or {})}.items()]
        self._properties.write_text("".join(lines))
        (folder / "log4j2.properties").write_text(LOGGING)

    def format(self, copy: Path | None = None) -> None:
        """Make an empty log folder, unless there is one; leave a copy where it is wanted."""
        template, data = jars() / FORMATTED, self._folder / "data"
        if (data / "meta.properties").exists():
            return
        if template.is_dir():
            shutil.copytree(template, data)
            return
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        # With `=`, because an id may begin with `-`.
        arguments = ["format", f"--cluster-id={cluster}", "-c", str(self._properties)]
        done = subprocess.run(
            [*self._java, "kafka.tools.StorageTool", *arguments], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise AssertionError(f"the folder of Kafka could not be formatted:\n{done.stdout}{done.stderr}")
        if copy is not None:
            shutil.copytree(data, copy)

    def start(self, seconds: float = 60.0) -> Versions:
        """Start, or start again on the same folder and port; returns once it answers, with what it says it is."""
        self.format()
        self.child = Child([*self._java, "kafka.Kafka", str(self._properties)], self._folder / "output")
        return self.child.answer("Kafka", self._versions, seconds)

    def _versions(self) -> Versions | None:
        try:
            return versions(self.bootstrap, 2.0)
        except (OSError, NotKafka):
            return None

    def kill(self) -> None:
        """SIGKILL; what it had acknowledged is in the files of the machine."""
        if self.child is not None:
            self.child.kill()

    def freeze(self) -> None:
        """SIGSTOP: connections stay open, nothing answers."""
        assert self.child is not None
        self.child.freeze()

    def thaw(self) -> None:
        assert self.child is not None
        self.child.thaw()

    def revive(self) -> None:
        """Have it run and answer, whatever was done to it."""
        if self.child is None or not self.child.running:
            self.start()
        else:
            self.thaw()
            self.child.answer("Kafka", self._versions, 60.0)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL if that takes too long."""
        if self.child is not None:
            self.child.stop(30.0)
