"""What Prometheus has to know: the token of the services' signals, and for the published values a scrape job a tenant
with that tenant's token.

`scrape.json` is for `scrape_config_files` in Prometheus' configuration, and names the tokens' files relative to itself.
All are readable by the owner's group: with that group Prometheus can read them, and still not the tenants file.
"""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deploy.welcome import plain
from query_api import exposition
from schemas.settings import METRICS_TOKEN
from schemas.tenants import Tenant

JOBS = "scrape.json"
METRICS = "metrics-token"
"""The file of the token with which the services' own signals are read; made once, then left alone."""
JOB = "sojourn-values-"
"""First part of the names of the jobs; the tenant follows."""
_SUFFIX = ".token"
_FOLDER_MODE, _FILE_MODE = 0o750, 0o640


def job(tenant: str, address: str) -> dict[str, Any]:
    """The scrape job of a tenant's values from query at `address` (host:port)."""
    return {
        "job_name": JOB + tenant,
        "metrics_path": exposition.PATH,
        "authorization": {"type": "Bearer", "credentials_file": tenant + _SUFFIX},
        "static_configs": [{"targets": [address], "labels": {"tenant": tenant}}],
    }


def write(folder: Path, tenants: Sequence[Tenant], address: str) -> list[str]:
    """Make the folder say this and nothing else; answers what a person has to know. Raises `OSError`.

    Tokens come before the jobs that need them and go after them: Prometheus may read at any moment.
    """
    tokens = {tenant.id: plain(tenant.read_tokens) for tenant in tenants}
    known = {tenant: token for tenant, token in tokens.items() if token}
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(_FOLDER_MODE)
    if not (folder / METRICS).exists():
        _replace(folder / METRICS, secrets.token_urlsafe(24))
    for tenant, token in known.items():
        _replace(folder / (tenant + _SUFFIX), token)
    _replace(folder / JOBS, json.dumps({"scrape_configs": [job(tenant, address) for tenant in known]}, indent=1) + "\n")
    for file in folder.glob("*" + _SUFFIX):
        if file.name.removesuffix(_SUFFIX) not in known:
            file.unlink(missing_ok=True)
    return [
        f"Prometheus finds the values of {', '.join(known) or 'no tenant'} by {folder / JOBS}",
        *(
            f"tenant {tenant} is left out: no read token of it stands in the tenants file as it is, and nobody knows "
            "what is behind a sha256:; add one that does and run this again"
            for tenant in tokens
            if tenant not in known
        ),
        f"the services open /metrics to Prometheus with {METRICS_TOKEN.variables[-1]}={folder / METRICS}",
    ]


def _replace(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), _FILE_MODE)
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
