"""What a person sees when the one-process service has started: where it is, the keys once, two commands to paste."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta

from schemas.tenants import CreatedKeys, Tenant


def plain(secrets: Iterable[str]) -> str:
    """The first secret that stands in the file as it is; a hashed one cannot be shown."""
    return next((secret for secret in secrets if not secret.startswith("sha256:")), "")


def new_keys(created: CreatedKeys, base: str = "") -> list[str]:
    """The keys of a tenants file that was made just now."""
    return [
        "New keys, in the tenants file from now on and shown only once:",
        f"  write key   {created.write_key}",
        f"  read token  {created.read_token}",
        f"  webhooks    {base}/v1/webhooks/zendesk/{created.webhook_source}  secret {created.webhook_secret}",
    ]


def welcome(base: str, tenant: Tenant, created: CreatedKeys | None, now: datetime) -> str:
    """The text. The event is dated a minute before the start: one dated "now" would be later than the number's `at`."""
    write, read = plain(tenant.write_keys), plain(tenant.read_tokens)
    lines = [f"Sojourn is running at {base}", ""]
    if created:
        lines += [*new_keys(created, base), ""]
    lines += [
        f"  page  {base}/" + (f"?token={read}" if read else ""),
        f"  docs  {base}/docs",
        "",
    ]
    if write and read:
        event = json.dumps(
            {
                "event": "product_viewed",
                "anonymousId": "me",
                "timestamp": (now - timedelta(minutes=1)).isoformat(timespec="seconds").replace("+00:00", "Z"),
            },
            separators=(",", ":"),
        )
        lines += [
            "Send a first event, then read how many there were in the last day:",
            f"  curl -sS {base}/v1/events -H 'Authorization: Bearer {write}' -d '{event}'",
            f"  curl -sS '{base}/v1/metrics/event_count?window=P1D' -H 'Authorization: Bearer {read}'",
            "",
        ]
    return "\n".join(lines)
