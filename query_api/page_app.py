"""The dashboard as routes: its shell for a reader, the form for everybody else, its files."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Request, Response

from query_api.access import tenant_of
from query_api.dashboard import page
from query_api.sign_in_app import form, page_headers, sign_in_by_link
from schemas.errors import Problem
from schemas.tenants import Tenants

_FOR_EVER = "public, max-age=31536000, immutable"
_NOT_FOR_LONG = "no-cache"


def add_page(api: APIRouter, tenants: Tenants, *, takes_events: bool, refused: Callable[[Problem], Response]) -> None:
    """Add the routes; `refused` makes the answer of a problem."""

    async def show(request: Request) -> Response:
        token = request.query_params.get("token")
        if token is not None:
            return sign_in_by_link(request, tenants, token)
        try:
            tenant = tenant_of(tenants, request.headers, request.cookies)
        except Problem as problem:
            return form(request, problem)
        return Response(page.shell(tenant, takes_events=takes_events), headers=page_headers(), media_type="text/html")

    async def asset(request: Request) -> Response:
        found = page.ASSETS.get(request.path_params["path"])
        if found is None:
            return refused(Problem("not_found"))
        # Beside a service of another version, a page may ask here for a file of that one: better ours than none.
        is_ours = request.path_params["version"] == page.VERSION
        headers = {**page.HEADERS, "cache-control": _FOR_EVER if is_ours else _NOT_FOR_LONG, "vary": "accept-encoding"}
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(found.compressed, headers={**headers, "content-encoding": "gzip"}, media_type=found.kind)
        return Response(found.content, headers=headers, media_type=found.kind)

    for path in ("/", "/metric/{name}"):
        api.add_api_route(path, show, methods=["GET"], include_in_schema=False)
    api.add_api_route("/dashboard/{version}/{path:path}", asset, methods=["GET"], include_in_schema=False)
