"""The page at `/docs`: the OpenAPI document as plain HTML, made here.

The usual viewers load their scripts from another host; this page needs none, works offline and under a strict policy.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, Response

_STYLE = (Path(__file__).parent / "documentation.css").read_bytes()
_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


def add_documentation(app: FastAPI) -> None:
    """Serve the page; it is rendered at the first request, when all routes are known."""
    pages: list[str] = []

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        if not pages:
            pages.append(render(app.openapi()))
        return HTMLResponse(pages[0], headers=_HEADERS)

    @app.get("/docs/page.css", include_in_schema=False)
    async def style() -> Response:
        return Response(_STYLE, headers=_HEADERS, media_type="text/css; charset=utf-8")


def render(document: Mapping[str, Any]) -> str:
    """The page of an OpenAPI document."""
    operations = [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method in ("get", "post")
    ]
    contents = "".join(
        f'<li><a href="#{_anchor(path, method)}"><code>{method.upper()} {escape(path)}</code></a> '
        f"{escape(operation.get('summary', ''))}</li>"
        for path, method, operation in operations
    )
    details = "".join(_operation(path, method, operation) for path, method, operation in operations)
    title = escape(f"{document['info']['title']} API {document['info']['version']}")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="/docs/page.css">
</head>
<body>
<main>
<h1>{title}</h1>
<p>For programs: <a href="/openapi.json">openapi.json</a>.</p>
<ul>{contents}</ul>
{details}
</main>
</body>
</html>
"""


def _anchor(path: str, method: str) -> str:
    return escape(f"{method}{path}".replace("/", "-").replace("{", "").replace("}", ""))


def _operation(path: str, method: str, operation: Mapping[str, Any]) -> str:
    paragraphs = "".join(
        f"<p>{escape(part)}</p>" for part in operation.get("description", "").split("\n\n") if part.strip()
    )
    rows = "".join(map(_parameter, operation.get("parameters", [])))
    head = "<thead><tr><th>Parameter</th><th>Default</th><th>Values</th><th>Meaning</th></tr></thead>"
    table = f"<table>{head}<tbody>{rows}</tbody></table>" if rows else ""
    statuses = "".join(
        f"<li><code>{escape(status)}</code> {escape(response.get('description', ''))}</li>"
        for status, response in operation.get("responses", {}).items()
    )
    return f"""<section id="{_anchor(path, method)}">
<h2><code>{method.upper()} {escape(path)}</code></h2>
<p><strong>{escape(operation.get("summary", ""))}</strong></p>
{paragraphs}{_example(operation)}{table}
<ul>{statuses}</ul>
</section>
"""


def _example(operation: Mapping[str, Any]) -> str:
    content = operation.get("requestBody", {}).get("content", {})
    examples = [each["example"] for each in content.values() if each.get("example")]
    return "".join(f"<pre>{escape(json.dumps(example, indent=1, ensure_ascii=False))}</pre>" for example in examples)


def _parameter(parameter: Mapping[str, Any]) -> str:
    schema = parameter.get("schema", {})
    values = ", ".join(map(str, schema.get("enum", []))) or schema.get("type", "")
    default = "" if schema.get("default") is None else str(schema["default"])
    cells = (parameter["name"], default, str(values), parameter.get("description", ""))
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
