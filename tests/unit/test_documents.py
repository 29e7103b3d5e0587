"""Every document and section that is cited in this tree exists in it, and the examples in the documents work."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from ingest.accept import accept

ROOT = Path(__file__).parents[2]
CITED = re.compile(r"\bdocs/([\w-]+\.md)((?:(?:,| and)? ?#[\w-]+)*)")
LINKED = re.compile(r"\]\(([^)\s]+)\)")
SHOUTED = re.compile(r"\b[A-Z][A-Z_-]+\.md\b")
BY_NUMBER = re.compile(r"\bsections? \d+|\b2b\.\d+")
TEXTS = {".py", ".md", ".sql", ".yaml", ".js", ".css", ".html", ".toml", ".sh", ""}


def texts() -> Iterator[tuple[Path, str]]:
    """Every text file that git knows or would add, but this one."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    for name in listed:
        path = ROOT / name
        if path.suffix in TEXTS and path.is_file() and path != Path(__file__) and "vendor" not in path.parts:
            yield path, path.read_text(errors="replace")


@cache
def anchors(document: Path) -> frozenset[str]:
    """What the headings of a Markdown document can be linked by, as GitHub makes it of them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return frozenset(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings)


def test_every_cited_section_exists() -> None:
    missing = [
        f"{path.relative_to(ROOT)}: docs/{document}{anchor}"
        for path, text in texts()
        for document, cited in CITED.findall(text)
        for anchor in re.findall(r"#[\w-]+", cited) or [""]
        if not (target := ROOT / "docs" / document).is_file() or (anchor and anchor[1:] not in anchors(target))
    ]
    assert missing == []


def test_no_document_is_cited_that_is_not_in_the_tree() -> None:
    names = {path.name for path, _ in texts()}
    missing = {
        f"{path.relative_to(ROOT)}: {found}"
        for path, text in texts()
        for found in SHOUTED.findall(text)
        if found not in names
    }
    assert missing == set()


def test_sections_are_cited_by_their_heading_and_never_by_number() -> None:
    numbered = [f"{path.relative_to(ROOT)}: {found}" for path, text in texts() for found in BY_NUMBER.findall(text)]
    assert numbered == []


@pytest.mark.parametrize("document", [*sorted(ROOT.glob("docs/*.md")), ROOT / "README.md"], ids=lambda path: path.name)
def test_every_link_between_documents_leads_somewhere(document: Path) -> None:
    for link in LINKED.findall(document.read_text()):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = (document.parent / name).resolve() if name else document
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_the_example_of_the_native_format_is_accepted() -> None:
    (block,) = re.findall(r"```json\n(.+?)```", (ROOT / "docs/protocols.md").read_text(), re.DOTALL)
    outcome = accept(block.encode(), tenant="t", received_at=1_795_000_000_000, random_id=lambda: "r")
    assert (outcome.accepted, outcome.rejected, outcome.warnings) == (1, [], [])
