"""Signing in to the page and out of it: a read token, from a link or a form, is traded for a session's cookie.

The cookie is HttpOnly (no script reads it), SameSite=Strict (no other site sends it) and Secure behind https. Another
site could still send its visitor here with a token of its own, so that they take its numbers for theirs: a link from
elsewhere, or one to another tenant than the present, asks first; and a form counts only when it is one of ours.
"""

from __future__ import annotations

import secrets
import time
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Request, Response

from query_api import sessions
from query_api.access import BY_READER, COOKIE, reader, tenant_of
from query_api.dashboard import page
from schemas.errors import Problem
from schemas.tenants import Tenant, Tenants

LARGEST_FORM = 8192
UNKNOWN = "This token is not known here. Tokens are case-sensitive; is a part of it missing?"
WRITES = "This is a write key, which can only send events. Enter a read token."
ENDED = "Your session has ended. Sign in again to go on where you were."
NOT_OURS = "The form was not sent by this page. Enter the token here."


def page_headers() -> dict[str, str]:
    """Headers of a page that depends on who asks."""
    return {**page.HEADERS, **BY_READER}


def form(request: Request, problem: Problem) -> Response:
    """What a visitor without a session sees, or whose session has ended."""
    return _form(_here(request), ENDED if COOKIE in request.cookies else "", problem.status)


def sign_in_by_link(request: Request, tenants: Tenants, token: str) -> Response:
    """The answer to a link with `?token=`: a session and the same address without the token."""
    to = _here(request)
    try:
        tenant = reader(tenants, token)
    except Problem as problem:
        return _refused(problem, to)
    present = _present(request, tenants)
    # Of a visitor from another site the browser withholds the cookie: nobody knows whether there is a session.
    from_elsewhere = request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
    if from_elsewhere if present is None else present.id != tenant.id:
        return Response(page.confirm(tenant, present, token, to), headers=page_headers(), media_type="text/html")
    return _signed_in(request, tenant, token, to)


def add_signing_in(api: APIRouter, tenants: Tenants) -> None:
    """Add the routes to which the page's forms post."""

    async def sign_in(request: Request) -> Response:
        fields = await _fields(request)
        token, to = fields.get("token", ""), _inside(fields.get("to", ""))
        if not _is_ours(request):
            return _form(to, NOT_OURS, HTTPStatus.FORBIDDEN)
        try:
            return _signed_in(request, reader(tenants, token), token, to)
        except Problem as problem:
            return _refused(problem, to)

    async def sign_out(request: Request) -> Response:
        if not _is_ours(request):
            return _form("/", NOT_OURS, HTTPStatus.FORBIDDEN)
        response = Response(status_code=HTTPStatus.SEE_OTHER, headers={**page_headers(), "location": "/"})
        response.delete_cookie(COOKIE, httponly=True, samesite="strict", secure=_is_secure(request))
        return response

    api.add_api_route("/sign-in", sign_in, methods=["POST"], include_in_schema=False)
    api.add_api_route("/sign-out", sign_out, methods=["POST"], include_in_schema=False)


def _signed_in(request: Request, tenant: Tenant, token: str, to: str) -> Response:
    response = Response(status_code=HTTPStatus.SEE_OTHER, headers={**page_headers(), "location": to})
    ends = time.time() + sessions.SECONDS
    session = sessions.seal(tenant, token, ends, secrets.token_bytes(sessions.NONCE_BYTES))
    response.set_cookie(
        COOKIE, session, max_age=sessions.SECONDS, httponly=True, samesite="strict", secure=_is_secure(request)
    )
    return response


def _refused(problem: Problem, to: str) -> Response:
    return _form(to, WRITES if problem.code == "forbidden" else UNKNOWN, HTTPStatus.UNAUTHORIZED)


def _form(to: str, refused: str, status: int) -> Response:
    return Response(page.locked(to, refused), status, headers=page_headers(), media_type="text/html")


def _present(request: Request, tenants: Tenants) -> Tenant | None:
    try:
        return tenant_of(tenants, {}, request.cookies)
    except Problem:
        return None


def _is_secure(request: Request) -> bool:
    """Whether the browser speaks https, to us or to a proxy in front; a caller that lies harms only itself."""
    return "https" in (request.url.scheme, request.headers.get("x-forwarded-proto", "").partition(",")[0].strip())


def _is_ours(request: Request) -> bool:
    """Whether a page of this service sends this; a program, which has no session to lose, says nothing about it."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def _here(request: Request) -> str:
    """The address that was asked for, without a token."""
    query = "&".join(each for each in request.url.query.split("&") if each.partition("=")[0] != "token")
    return _inside(request.url.path + (f"?{query}" if query else ""))


def _inside(address: str) -> str:
    """The address if it leads to this service, else the first page: a browser takes two slashes for a host."""
    is_path = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    return address if is_path and address.isascii() else "/"


async def _fields(request: Request) -> dict[str, str]:
    """The fields of a form; of one that is too large, none."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_FORM:
            return {}
    return {name: values[0] for name, values in parse_qs(body.decode("latin-1"), keep_blank_values=True).items()}
