"""What a person sees when the one-process service has started: where it is, new keys once, two commands to paste."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas.tenants import Tenant


@dataclass(frozen=True, slots=True)
class Bases:
    """Where events go to and where questions are answered."""

    events: str
    questions: str


def plain(secrets: Iterable[str]) -> str:
    """The first secret that stands in the file as it is; a hashed one cannot be shown."""
    return next((secret for secret in secrets if not secret.startswith("sha256:")), "")


def listed(tenant: Tenant, bases: Bases) -> list[str]:
    """All keys of a tenant."""
    named = [("write key ", key) for key in tenant.write_keys] + [("read token", token) for token in tenant.read_tokens]
    return [
        *(f"  {name}  {plain([secret]) or '(the file has only its SHA-256)'}" for name, secret in named),
        *(
            f"  webhooks    {bases.events}/v1/webhooks/{source.kind}/{source.id}  secret {secret}"
            for source in tenant.sources
            for secret in source.secrets
        ),
    ]


def tried_out(tenant: Tenant, bases: Bases, now: datetime) -> list[str]:
    """A link and commands with a tenant's keys in them.

    The event is dated a minute before `now`: one dated "now" would be later than the number's `at`.
    """
    write, read = plain(tenant.write_keys), plain(tenant.read_tokens)
    lines = [f"  page  {bases.questions}/" + (f"?token={read}" if read else ""), f"  docs  {bases.questions}/docs", ""]
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
            f"  curl -sS {bases.events}/v1/events -H 'Authorization: Bearer {write}' -d '{event}'",
            f"  curl -sS '{bases.questions}/v1/metrics/event_count?window=P1D' -H 'Authorization: Bearer {read}'",
            "",
        ]
    return lines


def welcome(base: str, new: Tenant | None, keys: str, now: datetime) -> str:
    """The text of a start. `new` is the tenant whose keys were made just now, if they may be shown; later only `keys`,
    the command that shows them, is: what a service prints ends in its log.
    """
    lines = [f"Sojourn is running at {base}", ""]
    bases = Bases(base, base)
    if new:
        lines += [
            f"New keys, which the tenants file has from now on ({keys} shows them again):",
            *listed(new, bases),
            "",
        ]
        lines += tried_out(new, bases, now)
    else:
        lines += [f"  page  {base}/", f"  docs  {base}/docs", f"  keys  {keys}", ""]
    return "\n".join(lines)
