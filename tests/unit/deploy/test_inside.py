"""Who sees the signals and the documents of a service: they stand on the port of the producers."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from deploy.application import application
from deploy.inside import DOCUMENTS, SIGNALS, Visitors
from deploy.observe import router
from query_api import sessions
from query_api.access import COOKIE
from schemas.tenants import Tenants

HERE, ELSEWHERE = "127.0.0.1", "203.0.113.9"
TOKEN = "metrics-token"


async def _ready() -> str:
    return ""


@pytest.fixture
def tenants(tmp_path: Path) -> Tenants:
    path = tmp_path / "tenants.json"
    path.write_text(json.dumps({"tenants": [{"id": "a", "write_keys": ["wk_a"], "read_tokens": ["rt_a"]}]}))
    return Tenants(path)


def service(token: str, tenants: Tenants) -> FastAPI:
    return application(router(_ready, dict), visitors=Visitors(token, tenants))


async def status(app: FastAPI, path: str, client: str, **headers: str) -> int:
    sent = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    transport = httpx.ASGITransport(app, client=(client, 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://sojourn") as http:
        answer = await http.get(path, headers=sent)
    assert answer.status_code < 400 or answer.json()["status"] == answer.status_code
    return answer.status_code


@pytest.mark.parametrize(
    ("client", "headers", "expected"),
    [
        (HERE, {}, 200),
        ("::1", {}, 200),
        ("::ffff:127.0.0.1", {}, 200),
        (ELSEWHERE, {}, 403),
        ("::ffff:203.0.113.9", {}, 403),
        ("", {}, 403),
        (HERE, {"x_forwarded_for": ELSEWHERE}, 403),
        (HERE, {"forwarded": "for=203.0.113.9"}, 403),
        (ELSEWHERE, {"authorization": "Bearer rt_a"}, 403),
    ],
)
async def test_without_a_token_signals_are_for_this_machine(
    tenants: Tenants, client: str, headers: dict[str, str], expected: int
) -> None:
    assert await status(service("", tenants), SIGNALS, client, **headers) == expected


@pytest.mark.parametrize("client", [HERE, ELSEWHERE])
async def test_a_declared_token_opens_the_signals_from_anywhere_and_nothing_else_does(
    tenants: Tenants, client: str
) -> None:
    app = service(TOKEN, tenants)
    assert await status(app, SIGNALS, client, authorization=f"Bearer {TOKEN}") == 200
    for wrong in ("", "Bearer ", "Bearer other", f"Basic {TOKEN}", "Bearer rt_a", "Bearer ä"):
        assert await status(app, SIGNALS, client, authorization=wrong) == 401


@pytest.mark.parametrize("path", sorted(DOCUMENTS))
async def test_the_documents_are_for_this_machine_and_for_holders_of_any_key(tenants: Tenants, path: str) -> None:
    app = service(TOKEN, tenants)
    tenant = tenants.all[0]
    session = sessions.seal(tenant, "rt_a", 1e10, bytes(sessions.NONCE_BYTES))
    assert await status(app, path, HERE) == 200
    assert await status(app, path, ELSEWHERE) == 401
    assert await status(app, path, ELSEWHERE, cookie=f"{COOKIE}=nonsense") == 401
    assert await status(app, path, ELSEWHERE, cookie=f"x=1; {COOKIE}={session}") == 200
    for key in ("rt_a", "wk_a", TOKEN):
        assert await status(app, path, ELSEWHERE, authorization=f"Bearer {key}") == 200
    assert await status(app, f"{path}?write_key=wk_a", ELSEWHERE) == 200
    assert await status(app, f"{path}?write_key=nobody", ELSEWHERE) == 401


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/docs/page.css"])
async def test_probes_are_for_everybody(tenants: Tenants, path: str) -> None:
    assert await status(service(TOKEN, tenants), path, ELSEWHERE) == 200


@pytest.mark.parametrize("path", ["/metrics/", "//metrics", "/METRICS", "/docs/", "/docs/oauth2-redirect", "/redoc"])
async def test_no_other_spelling_of_a_path_leads_there(tenants: Tenants, path: str) -> None:
    assert await status(service(TOKEN, tenants), path, ELSEWHERE) in (307, 401, 403, 404)
