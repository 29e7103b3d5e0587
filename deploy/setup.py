"""What has to exist before the separate services run: topics, tables, and a tenants file. Safe to repeat, and to run
several times at once. Where Prometheus is to read the published values, also how it can.
"""

from __future__ import annotations

from deploy import scraping
from deploy.kafka.topics import TopicsRefused, ensure_topics
from deploy.opening import make_tenants, migrate_only, need_kafka, need_server, open_tenants
from deploy.refusal import CannotStart
from deploy.welcome import new_keys
from schemas.ports import LogUnavailable
from schemas.settings import Settings

SCRAPING = "prometheus"
"""Folder within the data folder."""


async def topics(settings: Settings) -> str:
    """`sojourn topics`. Raises `CannotStart`, `LogUnavailable`."""
    try:
        made = await ensure_topics(need_kafka(settings), settings.topic_prefix, settings.replication)
    except TopicsRefused as error:  # what was typed may be right: this is giving up and no wrong usage
        raise LogUnavailable(str(error)) from error
    return f"topics made: {', '.join(made) or 'none, all were there'}"


async def everything(settings: Settings, scrape: str = "") -> str:
    """`sojourn setup`; `scrape` is where Prometheus reaches query, if it is to. Raises `CannotStart`, `LogUnavailable`,
    `StoreUnavailable`.
    """
    need_server(settings)
    told = [await topics(settings), f"{await migrate_only(settings)} statements applied"]
    created = make_tenants(settings.tenants)
    told += new_keys(created) if created else [f"the tenants file {settings.tenants} was there"]
    if scrape:
        told += for_prometheus(settings, scrape)
    return "\n".join(told)


def for_prometheus(settings: Settings, address: str) -> list[str]:
    """Write what Prometheus has to know. Raises `CannotStart`."""
    folder = settings.data / SCRAPING
    try:
        return scraping.write(folder, open_tenants(settings.tenants).all, address)
    except OSError as error:
        raise CannotStart(f"the folder {folder}: {error.strerror or error}") from error
