"""One application out of the routes of its parts; one OpenAPI document over all of them."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI

from deploy.documentation import add_documentation
from deploy.head import HeadAsGet
from deploy.inside import Inside, Visitors
from query_api.models_app import add_models
from query_api.problem_app import problems


def application(*routes: APIRouter, visitors: Visitors) -> FastAPI:
    """Everything that one process has behind one port; `visitors` may see what is for those who run it."""
    app = FastAPI(
        title="Sojourn",
        version="1",
        summary="Real-time customer-experience analytics",
        docs_url=None,
        redoc_url=None,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    for each in routes:
        app.include_router(each)
    app.add_middleware(HeadAsGet)
    add_models(app)
    add_documentation(app)
    problems(app)
    app.add_middleware(Inside, visitors=visitors)
    return app
