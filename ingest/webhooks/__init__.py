"""One file a kind of webhook. A kind is found by being here: its module holds a `WEBHOOK`."""

from __future__ import annotations

import importlib
import pkgutil

from ingest.webhooks.webhook import Webhook


def _discovered() -> dict[str, Webhook]:
    modules = (importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    webhooks = [module.WEBHOOK for module in modules if hasattr(module, "WEBHOOK")]
    return {webhook.kind: webhook for webhook in webhooks}


WEBHOOKS = _discovered()

__all__ = ["WEBHOOKS", "Webhook"]
