"""How long after its POST an event is in the metric's value: three services, a real Kafka, half of the most they take.

A probe is an event of a tenant of its own, so that its count says at once whether it is counted.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from tests.bench.goals import FRESH_LATE, FRESH_MIDDLE, percentile, verdict
from tests.bench.underway import loaded, measured, most
from tests.cluster import Cluster
from tests.service import TENANTS

PROBE = {"id": "probe", "timezone": "UTC", "currency": "EUR", "write_keys": ["wk_probe"], "read_tokens": ["rt_probe"]}
EVERY = 0.25
PATIENCE = 30.0


def probe(cluster: Cluster, number: int) -> float:
    """Seconds from the POST until the value counts one more; `number` probes were sent before."""
    query = httpx.Client(base_url=cluster.query.url, headers={"Authorization": "Bearer rt_probe"}, timeout=PATIENCE)
    with query:
        began = time.perf_counter()
        httpx.post(
            cluster.ingest.url + "/v1/events",
            json={"event": "probed", "messageId": f"probe-{number}", "userId": "u"},
            headers={"Authorization": "Bearer wk_probe"},
            timeout=PATIENCE,
        ).raise_for_status()
        while time.perf_counter() - began < PATIENCE:
            answer = query.get("/v1/metrics/event_count", params={"window": "PT1H"})
            if answer.status_code == 200 and answer.json()["value"] > number:
                return time.perf_counter() - began
            time.sleep(0.01)
    raise RuntimeError(f"probe {number} is not counted after {PATIENCE:g} s")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """The maximum first, then the probes at half of it."""
    tenants = {"tenants": [*TENANTS["tenants"], PROBE]}
    with tempfile.TemporaryDirectory() as folder, Cluster(Path(folder), tenants=tenants) as cluster:
        assert cluster.ingest.process is not None
        port, pid = cluster.ingest.port, cluster.ingest.process.pid
        maximum = most(port, pid)
        cluster.settle(120)
        times: list[float] = []
        with loaded(port, pid, seconds=options.seconds, rate=maximum / 2) as loading:
            while loading.poll() is None:
                began = time.perf_counter()
                times.append(probe(cluster, len(times)))
                time.sleep(max(0.0, EVERY - (time.perf_counter() - began)))
            told = measured(loading)
        print(f"at most {maximum:.0f} single events a second; {told['per_second']:.0f} during {len(times)} probes")
    found = {FRESH_MIDDLE: percentile(times, 0.5), FRESH_LATE: percentile(times, 0.99)}
    return {"maximum": maximum, "load": told, "seconds": times, "goals": verdict(found)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    result = run(chosen)
    if chosen.out:
        chosen.out.write_text(json.dumps(result, indent=1) + "\n")
