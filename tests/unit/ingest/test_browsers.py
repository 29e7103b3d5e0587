"""What browsers need: answers to preflights, and headers that let a page read the answer."""

from __future__ import annotations

import pytest

from ingest.service import Ingest

BODY = b'{"event":"page","messageId":"m1"}'


async def test_the_origin_is_reflected_and_retry_after_can_be_read(ingest: Ingest) -> None:
    headers = {"x-write-key": "wk_demo", "origin": "https://any.example"}
    response = await ingest.handle("POST", "/v1/events", headers, {}, BODY)
    assert response.status == 202
    assert response.headers["access-control-allow-origin"] == "https://any.example"
    assert response.headers["access-control-allow-credentials"] == "true"
    assert response.headers["access-control-expose-headers"] == "retry-after, x-request-id"
    assert response.headers["vary"] == "Origin"


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://shop.example", 202),
        ("https://www.shop.de", 202),
        ("http://www.shop.de", 403),
        ("https://evil.example", 403),
        ("https://shop.example.evil.example", 403),
        ("https://evilshop.de", 403),
        ("null", 403),
        ("http://collector.local", 202),
    ],
)
async def test_a_key_takes_events_only_from_the_origins_of_its_tenant(ingest: Ingest, origin: str, status: int) -> None:
    headers = {"x-write-key": "wk_shop", "origin": origin, "host": "collector.local"}
    response = await ingest.handle("POST", "/v1/events", headers, {}, BODY)
    assert response.status == status


async def test_a_preflight_allows_what_was_asked_for(ingest: Ingest) -> None:
    headers = {
        "origin": "https://any.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "anonymousid,authorization,content-type,sentat",
    }
    response = await ingest.handle("OPTIONS", "/v1/page", headers, {})
    assert response.status == 204
    assert response.body == b""
    assert response.headers["access-control-allow-origin"] == "https://any.example"
    assert response.headers["access-control-allow-headers"] == "anonymousid,authorization,content-type,sentat"
    assert response.headers["access-control-allow-methods"] == "POST, OPTIONS"
    assert response.headers["access-control-max-age"] == "7200"
    assert "Origin" in response.headers["vary"]


async def test_a_page_that_may_not_send_reads_why_instead_of_a_cors_error(ingest: Ingest) -> None:
    headers = {"x-write-key": "wk_shop", "origin": "https://evil.example"}
    asked = await ingest.handle("OPTIONS", "/v1/events", headers, {})
    sent = await ingest.handle("POST", "/v1/events", headers, {}, BODY)
    assert (asked.status, sent.status) == (204, 403)
    for response in (asked, sent):
        assert response.headers["access-control-allow-origin"] == "https://evil.example"
    assert b"allowed_origins" in sent.body


async def test_a_lookup_is_readable_only_where_a_tenant_takes_events_from(ingest: Ingest) -> None:
    headers = {"x-write-key": "wk_shop", "origin": "https://evil.example"}
    found = await ingest.handle("GET", "/v1/projects/wk_shop/settings", headers, {})
    assert found.status == 200
    assert "access-control-allow-origin" not in found.headers


async def test_a_refusal_can_be_read_by_the_page(ingest: Ingest) -> None:
    headers = {"origin": "https://any.example"}
    response = await ingest.handle("POST", "/v1/events", headers, {}, BODY)
    assert response.status == 401
    assert response.headers["access-control-allow-origin"] == "https://any.example"
