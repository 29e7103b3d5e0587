"""One application out of the parts: producers' routes, readers' routes, probes; one OpenAPI document over all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from fastapi import FastAPI

import ingest.app
import query_api.app
from deploy import observe
from deploy.documentation import add_documentation
from ingest.service import Ingest
from query_api.service import Lag
from schemas.ports import Store
from schemas.signals import Reading, Signal
from schemas.tenants import Tenants


def application(
    *,
    ingest_service: Ingest,
    store: Store,
    tenants: Tenants,
    watermark: Callable[[], int],
    lag: Callable[[], Lag],
    not_ready: Callable[[], Awaitable[str]],
    readings: Callable[[], Mapping[Signal, Reading]],
) -> FastAPI:
    """Everything of the one-process mode behind one port."""
    app = FastAPI(
        title="Sojourn",
        version="1",
        summary="Real-time customer-experience analytics",
        docs_url=None,
        redoc_url=None,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    app.include_router(observe.router(not_ready, readings))
    app.include_router(query_api.app.router(store, tenants, watermark, lag))
    app.include_router(ingest.app.router(ingest_service))
    add_documentation(app)
    query_api.app.problems(app)
    return app
