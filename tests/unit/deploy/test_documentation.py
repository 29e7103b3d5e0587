"""The page of the API: every operation is on it, nothing is loaded from another host, and no text becomes markup."""

from __future__ import annotations

import re

import httpx
from fastapi import FastAPI

from deploy.documentation import add_documentation, render


def test_no_text_of_the_document_becomes_markup() -> None:
    evil = "<script>x</script>"
    page = render(
        {
            "info": {"title": evil, "version": evil},
            "paths": {
                f"/{evil}": {
                    "get": {
                        "summary": evil,
                        "description": evil,
                        "parameters": [{"name": evil, "description": evil, "schema": {"enum": [evil]}}],
                        "responses": {"200": {"description": evil}},
                    }
                }
            },
        }
    )
    assert "<script" not in page


async def test_the_page_lists_every_operation_and_loads_nothing_from_elsewhere() -> None:
    app = FastAPI(docs_url=None, redoc_url=None)
    add_documentation(app)

    @app.get("/v1/things", summary="Things")
    async def things() -> list[str]:
        return []

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sojourn") as http:
        page = await http.get("/docs")
    assert "GET /v1/things" in page.text
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page.text)
    assert "default-src 'none'" in page.headers["content-security-policy"]
