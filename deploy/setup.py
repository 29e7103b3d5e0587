"""What has to exist before the separate services run: topics, tables, and a tenants file. Safe to repeat, and to run
several times at once. Where Prometheus is to read the published values, also how it can.
"""

from __future__ import annotations

from deploy import keys, owner_only, scraping
from deploy.kafka.topics import TopicsRefused, ensure_topics
from deploy.open_store import migrate_only
from deploy.opening import make_tenants, need_kafka, need_server, open_tenants
from deploy.refusal import CannotStart
from schemas.ports import LogUnavailable
from schemas.settings import Settings


async def topics(settings: Settings) -> str:
    """`sojourn topics`. Raises `CannotStart`, `LogUnavailable`."""
    try:
        made = await ensure_topics(
            need_kafka(settings), settings.topic_prefix, settings.replication, settings.kafka_security
        )
    except TopicsRefused as error:  # what was typed may be right: this is giving up and no wrong usage
        raise LogUnavailable(str(error)) from error
    return f"topics made: {', '.join(made) or 'none, all were there'}"


async def everything(settings: Settings, scrape: str = "") -> str:
    """`sojourn setup`; `scrape` is where Prometheus reaches query, if it is to. Raises `CannotStart`, `LogUnavailable`,
    `StoreUnavailable`.
    """
    need_server(settings)
    told = [await topics(settings), f"{await migrate_only(settings)} statements applied"]
    made = make_tenants(settings.tenants)
    owner_only.close(settings.data)
    known = f"the tenants file {settings.tenants} was there"
    told.append(f"new keys are in {settings.tenants}; `{keys.command()}` shows them" if made else known)
    if scrape:
        told += for_prometheus(settings, scrape)
    return "\n".join(told)


def for_prometheus(settings: Settings, address: str) -> list[str]:
    """Write what Prometheus has to know. Raises `CannotStart`."""
    folder = settings.data / owner_only.SHARED
    try:
        told = scraping.write(folder, open_tenants(settings.tenants).all, address)
    except OSError as error:
        raise CannotStart(f"the folder {folder}: {error.strerror or error}") from error
    owner_only.close(settings.data)  # but for the way to that folder
    return told
