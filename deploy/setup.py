"""What has to exist before the separate services run: topics, tables, and a tenants file. Safe to repeat, and to run
several times at once.
"""

from __future__ import annotations

from deploy.kafka.topics import TopicsRefused, ensure_topics
from deploy.opening import make_tenants, migrate_only, need_kafka, need_server
from deploy.welcome import new_keys
from schemas.ports import LogUnavailable
from schemas.settings import Settings


async def topics(settings: Settings) -> str:
    """`sojourn topics`. Raises `CannotStart`, `LogUnavailable`."""
    try:
        made = await ensure_topics(need_kafka(settings), settings.topic_prefix, settings.replication)
    except TopicsRefused as error:  # what was typed may be right: this is giving up and no wrong usage
        raise LogUnavailable(str(error)) from error
    return f"topics made: {', '.join(made) or 'none, all were there'}"


async def everything(settings: Settings) -> str:
    """`sojourn setup`. Raises `CannotStart`, `LogUnavailable`, `StoreUnavailable`."""
    need_server(settings)
    told = [await topics(settings), f"{await migrate_only(settings)} statements applied"]
    created = make_tenants(settings.tenants)
    told += new_keys(created) if created else [f"the tenants file {settings.tenants} was there"]
    return "\n".join(told)
