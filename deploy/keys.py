"""`sojourn keys`: the keys of the tenants file for a person at the terminal, with commands in which they are used."""

from __future__ import annotations

import os
import sys
from datetime import datetime
from pathlib import Path
from typing import TextIO

from deploy.opening import address, open_tenants
from deploy.welcome import Bases, listed, tried_out
from schemas.settings import QUERY_PORT, Settings


def text(settings: Settings, now: datetime) -> str:
    """What the command prints. Raises `CannotStart`."""
    events = address(settings.host, settings.port)
    bases = Bases(events, address(settings.host, QUERY_PORT) if settings.kafka else events)
    parts = [
        "\n".join([f"Tenant {tenant.id}", *listed(tenant, bases), "", *tried_out(tenant, bases, now)])
        for tenant in open_tenants(settings.tenants).all
    ]
    return "\n\n".join(part.rstrip() for part in parts)


def goes_to_the_journal(stream: TextIO) -> bool:
    """Whether systemd keeps what is written there (it says of which file in the environment)."""
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def command() -> str:
    """How this command is called here."""
    called = Path(sys.argv[0])
    return f"{called if called.name == 'sojourn' else 'sojourn'} keys"
