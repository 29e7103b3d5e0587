"""What processing costs: CPU per event of a Faust worker, beside a consumer that only decodes and counts.

Run by `make bench`. A load of single events goes through ingest with its default linger, so that the frames are those
of real traffic; a worker that was frozen meanwhile then reads them. The baseline reads the same topic, and the same
events as one record each. Repetitions are interleaved; read the ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from schemas.topics import EVENTS
from tests.bench.load import cpu_seconds
from tests.cluster import Cluster
from tests.service import ROOT

CONNECTIONS = 128
GOAL = 1.5
"""Decoding and folding, as a multiple of the baseline with one event a record."""


class BenchCluster(Cluster):
    """One worker, whose partitions stay its own while it is frozen."""

    counted = 0


def _run(module: str, *arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=ROOT, capture_output=True, text=True, check=True, timeout=300
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _signals(cluster: BenchCluster) -> dict[str, float]:
    text = httpx.get(cluster.processors.url + "/metrics", timeout=10.0).text
    return {name: float(number) for name, number in re.findall(r"^(sojourn_\w+) (\S+)$", text, re.MULTILINE)}


async def _topics(bootstrap: str, names: list[str]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(name, EVENTS.partitions, 1) for name in names])
    await admin.close()


def _drained(cluster: BenchCluster, worker: int, events: float) -> tuple[float, dict[str, float]]:
    """CPU seconds of the worker until it has processed so many events, and the change of its signals."""
    before, cpu = _signals(cluster), cpu_seconds(worker)
    os.kill(worker, signal.SIGCONT)
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        now = _signals(cluster)
        if now["sojourn_events_processed_total"] - before["sojourn_events_processed_total"] >= events:
            break
        time.sleep(0.2)
    cluster.settle(60.0)
    used = cpu_seconds(worker) - cpu
    now = _signals(cluster)
    return used, {name: now[name] - before.get(name, 0) for name in now}


def repetition(cluster: BenchCluster, number: int, seconds: float) -> dict[str, Any]:
    """One load and everything that reads it, in microseconds of CPU per event."""
    bootstrap, partitions = cluster.broker.bootstrap, str(EVENTS.partitions)
    topic = EVENTS.full_name(cluster.environment["SOJOURN_TOPIC_PREFIX"])
    (worker,) = cluster.processors.workers()
    os.kill(worker, signal.SIGSTOP)
    assert cluster.ingest.process is not None
    pid = str(cluster.ingest.process.pid)
    load = _run(
        "tests.bench.load", "--port", str(cluster.ingest.port), "--pid", pid, "--connections", str(CONNECTIONS),
        "--seconds", str(seconds),
    )  # fmt: skip
    frames = _run("tests.bench.consume", bootstrap, topic, partitions)
    used, change = _drained(cluster, worker, frames["events"] - cluster.counted)
    events = change["sojourn_events_processed_total"]
    cluster.counted = frames["events"]
    singles = _run("tests.bench.consume", bootstrap, topic, partitions, f"{topic}.singles{number}")
    return {
        "load_per_second": load["per_second"],
        "events": events,
        "events_per_record": frames["events"] / frames["records"],
        "histogram": frames["histogram"],
        "worker": used / events * 1e6,
        "decode": change["sojourn_decode_seconds_total"] / events * 1e6,
        "fold": change["sojourn_fold_seconds_total"] / events * 1e6,
        "frames_baseline": frames["cpu_seconds"] / frames["events"] * 1e6,
        "singles_baseline": singles["cpu_seconds"] / singles["events"] * 1e6,
    }


def main(repetitions: int, seconds: float, out: Path | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = {"SOJOURN_SESSION_SECONDS": "240", "SOJOURN_TOPIC_PREFIX": "bench"}
        with BenchCluster(Path(folder), workers=1, environment=settings) as cluster:
            topic = EVENTS.full_name("bench")
            asyncio.run(_topics(cluster.broker.bootstrap, [f"{topic}.singles{n}" for n in range(repetitions)]))
            rows = [repetition(cluster, number, seconds) for number in range(repetitions)]
    median = {name: statistics.median(row[name] for row in rows) for name in rows[0] if name != "histogram"}
    both = median["decode"] + median["fold"]
    print(f"{median['load_per_second']:.0f} single events a second, {median['events_per_record']:.0f} a frame")
    histogram = sorted(rows[-1]["histogram"].items(), key=lambda cell: int(cell[0].lstrip("<=>")))
    print("frames by number of events: " + ", ".join(f"{size}: {count}" for size, count in histogram))
    print(f"{'CPU us per event':<52}{'median':>8}{'ratio':>8}")
    baseline = median["singles_baseline"]
    for name, value in (
        ("confluent-kafka + orjson, one event a record (= 1)", baseline),
        ("confluent-kafka + orjson, the frames", median["frames_baseline"]),
        ("worker: decode", median["decode"]),
        ("worker: fold", median["fold"]),
        ("worker: decode and fold", both),
        ("worker: Faust, inserting, everything else", median["worker"] - both),
        ("worker: all", median["worker"]),
    ):
        print(f"{name:<52}{value:>8.1f}{value / baseline:>8.2f}")
    verdict = "reached" if both <= GOAL * baseline else "MISSED"
    print(f"goal: decode and fold at most {GOAL} of one event a record: {verdict}")
    if out:
        out.write_text(json.dumps({"rows": rows, "median": median, "goal": GOAL}, indent=1) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    main(options.repetitions, options.seconds, options.out)
