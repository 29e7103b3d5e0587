"""The page at `/`: the live value of every metric, rendered here, so that formats stand in one place.

No inline script or style: the policy below forbids them. The script fetches this page again and swaps the table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

HEADERS: Mapping[str, str] = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}
_HERE = Path(__file__).parent
ASSETS: Mapping[str, tuple[str, bytes]] = {
    "page.js": ("text/javascript; charset=utf-8", (_HERE / "page.js").read_bytes()),
    "page.css": ("text/css; charset=utf-8", (_HERE / "page.css").read_bytes()),
}


def render(tenant: str, values: Sequence[Mapping[str, Any]]) -> str:
    """The table of answers (or problems)."""
    rows = "\n".join(map(_row, values))
    return _document(
        f"""<h1>Sojourn <small>{escape(tenant)}</small></h1>
<table id="values">
<thead><tr><th>Metric</th><th>Value</th><th>95&nbsp;%</th><th>n</th><th>Status</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
<p><small>The last 24 hours; people and tickets as of now. <a href="/docs">API</a></small></p>""",
        with_script=True,
    )


def locked() -> str:
    """What a visitor without a token sees."""
    return _document("<h1>Sojourn</h1>\n<p>Open the link with your read token: <code>/?token=…</code></p>")


def _document(main: str, with_script: bool = False) -> str:
    script = '<script src="/dashboard/page.js" defer></script>\n' if with_script else ""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sojourn</title>
<link rel="stylesheet" href="/dashboard/page.css">
{script}</head>
<body>
<main>
{main}
</main>
</body>
</html>
"""


def _row(answer: Mapping[str, Any]) -> str:
    if "code" in answer:
        return f'<tr><td colspan="5">{escape(answer["title"])}: {escape(answer["detail"])}</td></tr>'
    interval = answer["interval"] or {"low": None, "high": None}
    low, high = (_shown(interval[edge], answer) for edge in ("low", "high"))
    limits = "" if answer["interval"] is None else f"{low} – {high}"
    remarks = ", ".join([answer["status"], *answer["warnings"]]).replace("_", " ")
    n = "–" if answer["n"] is None else answer["n"]
    return (
        f'<tr data-metric="{escape(answer["metric"])}">'
        f'<td title="{escape(answer["formula"])}">{escape(answer["title"])}</td>'
        f'<td class="value">{_shown(answer["value"], answer)}</td><td>{limits}</td>'
        f'<td class="n">{n}</td><td><small>{escape(remarks)}</small></td></tr>'
    )


def _shown(value: float | None, answer: Mapping[str, Any]) -> str:
    if value is None:
        return "–"
    match answer["unit"]:
        case "ratio":
            return f"{100 * value:.1f}&nbsp;%"
        case "seconds":
            return _elapsed(value)
        case "currency":
            return f"{value:,.2f}&nbsp;{escape(str(answer['currency']))}"
        case _:
            return f"{value:,.6g}" if isinstance(value, float) else f"{value:,}"


def _elapsed(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f}&nbsp;s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes}&nbsp;min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}&nbsp;h&nbsp;{minutes:02}&nbsp;min" if hours < 48 else f"{hours / 24:.1f}&nbsp;d"
