"""Half of the most that ingest takes, for twenty minutes: whether memory, lag and parts stay where they are.

Three services, a real Kafka, a store behind HTTP, each a process; the broker and the store are not ours, but parts and
lag are what we make of them.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.bench.goals import FLAT, LAG, verdict
from tests.bench.underway import loaded, measured, most, resident
from tests.cluster import Cluster

EVERY = 10.0
_PARTS = "SELECT table, count() FROM system.parts WHERE active GROUP BY table ORDER BY count() DESC LIMIT 3"


def parts(cluster: Cluster) -> dict[str, int]:
    """Of the tables with the most active parts how many they have."""
    dsn = urlsplit(cluster.store.dsn())
    answer = httpx.post(
        cluster.store.url,
        params={"database": dsn.path.strip("/")},
        content=_PARTS + " FORMAT TabSeparated",
        auth=(dsn.username or "", dsn.password or ""),
        timeout=30.0,
    )
    return {table: int(n) for table, n in (line.split("\t") for line in answer.text.splitlines())}


def look(cluster: Cluster, pids: Mapping[str, int]) -> dict[str, Any]:
    """One row: memory of our processes, lag, age of the watermark, parts."""
    status = cluster.status()
    return {
        "at": time.time(),
        "memory": {name: resident(pid) for name, pid in pids.items()},
        "lag_records": status.get("lag_records"),
        "oldest_seconds": status.get("oldest_unprocessed_seconds"),
        "parts": parts(cluster),
    }


def growth(rows: Sequence[Mapping[str, Any]], name: str) -> float:
    """The mean memory of the last quarter by that of the second one."""
    quarter = max(1, len(rows) // 4)
    second, last = rows[quarter : 2 * quarter] or rows, rows[-quarter:]
    means = [sum(row["memory"][name] for row in some) / len(some) for some in (second, last)]
    return means[1] / means[0] if means[0] else float("inf")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """The load, a look every ten seconds, then what is left to count."""
    with tempfile.TemporaryDirectory() as folder, Cluster(Path(folder)) as cluster:
        members = {"ingest": cluster.ingest, "processors": cluster.processors, "query": cluster.query}
        pids = {name: member.process.pid for name, member in members.items() if member.process is not None}
        pids |= {f"worker {number}": pid for number, pid in enumerate(cluster.processors.workers())}
        port = cluster.ingest.port
        maximum = most(port, pids["ingest"])
        cluster.settle(120)
        before = cluster.status()["events_stored"]
        rows: list[dict[str, Any]] = []
        with loaded(port, pids["ingest"], seconds=options.minutes * 60, rate=maximum / 2) as loading:
            while loading.poll() is None:
                began = time.monotonic()
                rows.append(look(cluster, pids))
                time.sleep(max(0.0, min(EVERY, options.minutes * 6) - (time.monotonic() - began)))
            told = measured(loading)
        left = max(0.0, before + told["requests"] - cluster.status()["events_stored"])
        cluster.settle(120)
    mega = 1 << 20
    for name in pids:
        first, last = (row["memory"][name] / mega for row in (rows[0], rows[-1]))
        print(f"{name:12} {first:6.0f} MB at the start, {last:6.0f} MB at the end, {growth(rows, name):.2f} x")
    lags = [row["oldest_seconds"] for row in rows if row["oldest_seconds"] is not None]
    most_parts = max(rows, key=lambda row: max(row["parts"].values(), default=0))["parts"]
    print(
        f"{told['per_second']:.0f} events a second of at most {maximum:.0f} for {options.minutes:g} minutes; oldest "
        f"uncounted {max(lags, default=0):.1f} s at worst; most parts {most_parts}, at the end {rows[-1]['parts']}"
    )
    goals = verdict({FLAT: max(growth(rows, name) for name in pids), LAG: left})
    return {"maximum": maximum, "load": told, "rows": rows, "goals": goals}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    result = run(chosen)
    if chosen.out:
        chosen.out.write_text(json.dumps(result, indent=1) + "\n")
