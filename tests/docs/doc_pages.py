"""The Markdown of this repository, and what a test wants out of it."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "bible_progress"
TOP = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")

_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_ROW = re.compile(r"^\|(.+)\|$", re.MULTILINE)


def pages() -> list[Path]:
    """Return every page that people read."""
    return [ROOT / name for name in TOP] + sorted((ROOT / "docs").rglob("*.md"))


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def text(name: str) -> str:
    """Return a page by its path from the top of the repository."""
    return (ROOT / name).read_text(encoding="utf-8")


def fences(markdown: str, language: str) -> list[str]:
    """Return the code blocks of a language."""
    return [body for kind, body in _FENCE.findall(markdown) if kind == language]


def blocks(markdown: str) -> list[tuple[str, str]]:
    """Return (language, code) of every code block, in order."""
    return _FENCE.findall(markdown)


def prose(markdown: str) -> str:
    """Return a page without its code blocks."""
    return _FENCE.sub("", markdown)


def links(markdown: str) -> list[str]:
    return _LINK.findall(prose(markdown))


def anchors(markdown: str) -> set[str]:
    """Return what links may point to, as GitHub derives it from the headings."""
    slugs: set[str] = set()
    for heading in _HEADING.findall(prose(markdown)):
        plain = re.sub(r"[^\w\- ]", "", heading.lower())
        slugs.add(plain.replace(" ", "-"))
    return slugs


def section(markdown: str, heading: str) -> str:
    """Return what stands below a heading, up to the next one of its level or above."""
    found = re.search(
        rf"^(#+) {re.escape(heading)}\n(.*?)(?=^#{{1,2}} |\Z)", markdown, re.MULTILINE | re.DOTALL
    )
    assert found, f"there is no heading {heading!r}"
    return found[2]


def rows(markdown: str) -> list[list[str]]:
    """Return the cells of every table row, without backticks, header and rules left out."""
    found: list[list[str]] = []
    lines = _ROW.findall(markdown)
    for number, line in enumerate(lines):
        below = lines[number + 1] if number + 1 < len(lines) else ""
        if not set(line) <= set("|- ") and not (below and set(below) <= set("|- ")):
            cells = re.split(r"(?<!\\)\|", line)
            found.append([cell.replace("`", "").strip() for cell in cells])
    return found
