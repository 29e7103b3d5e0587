"""How long answers take over HTTP on a large stock while events come in: counted now, kept, and beside plain SQL.

Every metric of the largest tenant is asked for the last hour, day, 7 and 28 days, in total and by one dimension. Where
plain SQL over the archive says something comparable, the time that this takes stands beside it (without the rules that
make the number exact: copies, people, links, horizons). For the slowest question the time to plan it stands beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from deploy.store import ClickHouseStore
from query_api import identity
from query_api.compile import counting
from query_api.parameters import parse
from query_api.rolling.plan import WINDOWS
from schemas.metrics import METRICS
from schemas.metrics.metric import Metric
from schemas.ports import StoreRejected, StoreUnavailable
from schemas.tenants import Tenant
from tests.bench.goals import KEPT_AGE, KEPT_LATENCY, NOW_LATENCY, percentile, verdict
from tests.bench.stock import LARGEST, SHARES, stocked, tenants
from tests.bench.underway import Sending, medians
from tests.service import Service

_PEOPLE = "if(user_id != '', user_id, anonymous_id)"
RAW = {
    "event_count": "SELECT count() FROM events WHERE {here}",
    "visits": "SELECT uniqExact(session_id) FROM events WHERE {here} AND name = 'page_viewed'",
    "orders": "SELECT uniqExact(JSONExtractString(properties, 'order_id')) FROM events "
    "WHERE {here} AND name = 'order_completed'",
    "revenue": "SELECT sum(JSONExtractFloat(properties, 'total')) FROM events "
    "WHERE {here} AND name = 'order_completed'",
    "cart_abandonment_rate": "SELECT 1 - uniqExactIf(cart, name = 'order_completed') / uniqExactIf(cart, name = "
    "'product_added') FROM (SELECT name, JSONExtractString(properties, 'cart_id') AS cart FROM events "
    "WHERE {here} AND name IN ('product_added', 'order_completed'))",
    "dau": f"SELECT uniqExact({_PEOPLE}) FROM events WHERE {{here}}",
    "wau": f"SELECT uniqExact({_PEOPLE}) FROM events WHERE {{here}}",
    "mau": f"SELECT uniqExact({_PEOPLE}) FROM events WHERE {{here}}",
    "nps": "SELECT avg(multiIf(score > 8, 1, score < 7, -1, 0)) FROM (SELECT JSONExtractInt(properties, 'score') AS "
    "score FROM events WHERE {here} AND name = 'survey_question_answered' AND "
    "JSONExtractString(properties, 'survey_id') = 'nps')",
    "resolution_time": "SELECT median(took) FROM (SELECT dateDiff('second', minIf(time, name = 'ticket_created'), "
    "maxIf(time, name = 'ticket_solved')) AS took FROM events WHERE {here} AND name IN ('ticket_created', "
    "'ticket_solved') GROUP BY JSONExtractString(properties, 'ticket_id') HAVING took > 0)",
    "contact_volume": "SELECT count() FROM events WHERE {here} AND name IN ('call_started', "
    "'live_chat_conversation_started')",
}
"""What somebody would write who has only the archive."""
PATIENCE = 35.0


@dataclass(slots=True)
class Asked:
    """One question, and the times (ms) of its answers."""

    metric: str
    window: str
    cut: str
    now: list[float] = field(default_factory=list)
    kept: list[float] = field(default_factory=list)
    ages: list[float] = field(default_factory=list)
    layers: set[str] = field(default_factory=set)
    raw: float | None = None

    @property
    def query(self) -> dict[str, str]:
        return {"window": self.window, **({"segment": self.cut} if self.cut else {})}


def questions() -> Iterator[Asked]:
    for metric in METRICS.values():
        for window in WINDOWS:
            yield Asked(metric.name, window, "")
            yield Asked(metric.name, window, _cut(metric))


def _cut(metric: Metric) -> str:
    return "country" if "country" in metric.dimensions else metric.dimensions[0]


async def raw_times(folder: Path, asked: list[Asked], rounds: int) -> None:
    """The plain SQL, before the service has the store for itself."""
    store = ClickHouseStore(f"chdb://{folder / 'store'}")
    await store.open()
    ((end,),) = await store.query("SELECT max(time) FROM events")
    for each in asked:
        if each.metric in RAW and not each.cut:
            here = "tenant = {tenant:String} AND time >= {end:DateTime64(3)} - {seconds:UInt32}"
            bound = {"tenant": LARGEST, "end": end, "seconds": WINDOWS[each.window] // 1000}
            took = []
            for _ in range(rounds):
                began = time.perf_counter()
                await store.query(RAW[each.metric].format(here=here), bound)
                took.append((time.perf_counter() - began) * 1000)
            each.raw = medians(took)
    await store.close()


async def planning(folder: Path, worst: Asked) -> tuple[float, float]:
    """Milliseconds that the engine takes to plan the question, and to plan and run it."""
    tenant = Tenant.model_validate(next(each for each in tenants()["tenants"] if each["id"] == LARGEST))
    store = ClickHouseStore(f"chdb://{folder / 'store'}")
    await store.open()
    ((end,),) = await store.query("SELECT toUnixTimestamp64Milli(max(time)) FROM events")
    question = parse(METRICS[worst.metric], worst.query.items(), tenant, end).question
    statement, _ = counting(question)
    bound = await identity.bound(store, statement, tenant.id, question.at)
    times = []
    for sql in ("EXPLAIN PLAN " + statement.sql, statement.sql):
        began = time.perf_counter()
        try:
            await store.query(sql, bound)
        except (StoreRejected, StoreUnavailable) as error:
            print(f"{worst.metric}: {error}")
        times.append((time.perf_counter() - began) * 1000)
    await store.close()
    return times[0], times[1]


def ask(client: httpx.Client, each: Asked, more: dict[str, str]) -> tuple[float, dict[str, Any]]:
    """Milliseconds, and the body ({}: it was not given in time)."""
    began = time.perf_counter()
    try:
        answer = client.get(f"/v1/metrics/{each.metric}", params={**each.query, **more}, timeout=PATIENCE)
    except httpx.TimeoutException:
        return PATIENCE * 1000, {}
    took = (time.perf_counter() - began) * 1000
    body: dict[str, Any] = answer.json() if answer.status_code == 200 else {}
    return took, body


def until_kept(client: httpx.Client, asked: list[Asked], seconds: float) -> list[Asked]:
    """What is published once everything is, or time is up; prints how much."""
    began, kept = time.monotonic(), list[Asked]()
    while len(kept) < len(asked) and time.monotonic() - began < seconds:
        time.sleep(2)
        told = client.get("/v1/prometheus", timeout=PATIENCE).text
        kept = [each for each in asked if _version(each) in told]
    print(f"{len(kept)} of {len(asked)} answers are kept after {time.monotonic() - began:.0f} s", flush=True)
    return kept


def _version(each: Asked) -> str:
    """What Prometheus is told of one that is kept."""
    return f'sojourn_value_version_seconds{{metric="{each.metric}",window="{each.window}",dimension="{each.cut}"}}'


def measure(service: Service, asked: list[Asked], options: argparse.Namespace) -> None:
    """Ask while events come in: first what is kept, then once what is counted now."""
    headers = {"Authorization": f"Bearer rt_{LARGEST}"}
    with httpx.Client(base_url=service.url, headers=headers) as client:
        kept = until_kept(client, asked, options.wait)
        for _ in range(options.rounds):
            for each in kept:
                took, body = ask(client, each, {"max_age": "PT2H", "plan": "1"})
                layer = body.get("plan", {}).get("layer", "none")
                each.layers.add(layer)
                if layer in {"points", "buckets"}:
                    each.kept.append(took)
                    each.ages.append(time.time() - datetime.fromisoformat(body["watermark"]).timestamp())
        if not options.without_now:
            for each in asked:
                each.now.append(ask(client, each, {})[0])


def show(asked: list[Asked]) -> list[dict[str, Any]]:
    """A line a metric and window: ms in total and by a dimension."""
    titles = f"{'metric':31}{'window':>7}{'kept p50':>10}{'p95':>7}{'age s':>8}{'by one':>8}"
    print(f"{titles}{'now':>9}{'by one':>9}{'SQL':>8}{'now/SQL':>9}")
    for total, cut in zip(asked[::2], asked[1::2], strict=True):
        now, raw = medians(total.now), total.raw
        print(
            f"{total.metric:31}{total.window:>7}{medians(total.kept):>10.1f}{percentile(total.kept, 0.95):>7.1f}"
            f"{medians(total.ages):>8.1f}{medians(cut.kept):>8.1f}{now:>9.0f}{medians(cut.now):>9.0f}"
            f"{'-' if raw is None else f'{raw:.0f}':>8}{f'{now / raw:.1f}' if raw and now else '-':>9}"
        )
    return [{**asdict(each), "layers": sorted(each.layers)} for each in asked]


def judge(asked: list[Asked], folder: Path) -> list[dict[str, Any]]:
    """The goals, how many questions reach them, and where the time of the worst goes."""
    kept = [percentile(each.kept, 0.95) for each in asked if each.kept]
    now = [percentile(each.now, 0.95) for each in asked if each.now]
    short = [age for each in asked for age in each.ages if each.window in {"PT1H", "P1D"}]
    for what, times in (("kept", kept), ("counted now", now)):
        print(f"{sum(each <= KEPT_LATENCY.limit for each in times)} of {len(asked)} questions in 60 ms: {what}")
    measured = {KEPT_LATENCY: kept, KEPT_AGE: [percentile(short, 0.95)] if short else [], NOW_LATENCY: now}
    found = verdict({goal: max(values) for goal, values in measured.items() if values})
    if now:
        worst = max(asked, key=lambda each: max(each.now, default=0.0))
        plan, whole = asyncio.run(planning(folder, worst))
        print(
            f"the slowest counted now: {worst.metric} over {worst.window} by {worst.cut or 'nothing'}; alone on the "
            f"machine {whole:.0f} ms, {plan:.0f} of them for its plan"
        )
    return found


def run(options: argparse.Namespace) -> dict[str, Any]:
    """All of it, on a kept stock or one of its own."""
    with ExitStack() as stack:
        folder = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory())) / "stock"
        stocked(folder, options.events)
        asked = list(questions())
        asyncio.run(raw_times(folder, asked, options.rounds))
        service = Service(folder, tenants=None, environment={"SOJOURN_KEEP_SHARE": str(options.share)})
        stack.callback(service.kill)
        began = time.monotonic()
        service.start(300)
        print(f"the service is ready after {time.monotonic() - began:.1f} s", flush=True)
        sending = Sending(lambda: _send(service, options.batch), options.batch / options.rate)
        sending.start()
        try:
            measure(service, asked, options)
        finally:
            sending.stop()
        print(
            f"{sending.sent * options.batch} events came in meanwhile" + (f"; {sending.error}" if sending.error else "")
        )
        service.terminate(60)
        return {"rows": show(asked), "goals": judge(asked, folder)}


_number = iter(range(1 << 62))


def _send(service: Service, batch: int) -> None:
    """One request with new events of now, of one tenant after the other."""
    tenant = next(_number) % len(SHARES)
    events = [
        {
            "event": "page_viewed" if place % 5 else "product_added",
            "messageId": f"live-{time.time_ns()}-{place}",
            "anonymousId": f"live{place}",
            "context": {"country": "DE", "channel": "web", "device": {"type": "mobile"}},
            "properties": {"cart_id": f"live{place}"},
        }
        for place in range(batch)
    ]
    headers = {"Authorization": f"Bearer wk_t{tenant}"}
    httpx.post(service.url + "/v1/events", json={"events": events}, headers=headers, timeout=60).raise_for_status()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=20_000_000)
    parser.add_argument("--keep", type=Path, help="a folder for the stock, to be used again")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rate", type=float, default=500.0, help="events a second that come in meanwhile")
    parser.add_argument("--batch", type=int, default=50)
    parser.add_argument("--share", type=float, default=0.5, help="of a core, for keeping")
    parser.add_argument("--wait", type=float, default=600.0, help="seconds to wait until everything is kept")
    parser.add_argument("--without-now", action="store_true", help="do not ask for what is counted now")
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    result = run(chosen)
    if chosen.out:
        chosen.out.write_text(json.dumps(result, indent=1) + "\n")
    sys.exit(0)
