"""The chapter map: the sections into which people divide the Bible, and its cells."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from markupsafe import Markup, escape

# By OSIS book id, which our canons use: the traditional order of English Bibles.
_SECTIONS = {
    "Law": "gen exod lev num deut",
    "History": "josh judg ruth 1sam 2sam 1kgs 2kgs 1chr 2chr ezra neh esth",
    "Poetry and wisdom": "job ps prov eccl song",
    "Major prophets": "isa jer lam ezek dan",
    "Minor prophets": "hos joel amos obad jonah mic nah hab zeph hag zech mal",
    "Gospels": "matt mark luke john",
    "Acts": "acts",
    "Letters of Paul": "rom 1cor 2cor gal eph phil col 1thess 2thess 1tim 2tim titus phlm",
    "General letters": "heb jas 1pet 2pet 1john 2john 3john jude",
    "Revelation": "rev",
}
_OF_BOOK = {book: name for name, books in _SECTIONS.items() for book in books.split()}
_TESTAMENTS = {"old": "Old Testament", "new": "New Testament"}


def sections(books: list[Any], chapters: list[Any]) -> list[dict[str, Any]]:
    """Group books with their chapters, in their order; those with other ids by testament."""
    of_book: dict[str, list[Any]] = {}
    for chapter in chapters:
        of_book.setdefault(chapter["book_id"], []).append(chapter)
    found: list[dict[str, Any]] = []
    for listed in books:
        book: dict[str, Any] = {**listed, "chapters": of_book.get(listed["id"], [])}
        testament = book["testament"]
        name = _OF_BOOK.get(book["id"]) or _TESTAMENTS.get(testament, testament or "Other books")
        if not found or found[-1]["name"] != name:
            found.append({"name": name, "books": []})
        found[-1]["books"].append(book)
    return found


def cells(book: Any, here: str, opened: str | None) -> Markup:
    """Return the chapters of a book as items of a list; `here` is the page that opens them.

    Not a template: a Bible has 1,189 of them, and they are most of what a page costs.
    """
    name, path = str(escape(book["name"])), str(escape(here))
    made: list[str] = []
    for chapter in book["chapters"]:
        covered, total = chapter["covered_verses"], chapter["total_verses"]
        id_ = quote(chapter["id"])
        said = f"{covered} of {total} verses" if total else "no verses"
        told = f"{name} {chapter['number']}: {said}"
        current = ' aria-current="true"' if chapter["id"] == opened else ""
        made.append(
            f'<li><a id="c-{id_}" class="{_shade(chapter)}" href="{path}?chapter={id_}#chapter"'
            f' data-told="{told}" aria-label="{told}"{current}>{chapter["number"]}</a></li>'
        )
    # Names and ids are escaped above; the rest are numbers.
    return Markup("\n".join(made))  # noqa: S704


def _shade(chapter: Any) -> str:
    covered, total = chapter["covered_verses"], chapter["total_verses"]
    if chapter["status"] == "complete":
        return "full"
    return f"s{1 + min(3, covered * 4 // total)}" if covered else "s0"
