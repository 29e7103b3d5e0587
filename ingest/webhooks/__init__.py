"""Sources of webhooks: one file each, listed here and nowhere else."""

from __future__ import annotations

from ingest.exchange import Webhook
from ingest.webhooks import zendesk

WEBHOOKS: dict[str, Webhook] = {webhook.kind: webhook for webhook in (zendesk.WEBHOOK,)}
