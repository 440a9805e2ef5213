"""Comparisons of versions: which are meant, as rows of a download, and as rows of a page."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from .reads import Answer, Snapshot

MOST = 8

Named = tuple[str, UUID]


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a comparison is: its versions as `kind:id`, its order, and the books opened in it."""

    versions: list[str]
    by_canon: bool
    books: list[str]

    def ordered(self, *, by_canon: bool) -> str:
        """Return where it is in this order."""
        return replace(self, by_canon=by_canon).page()

    def toggled(self, book: str) -> str:
        """Return where a book is opened, or closed where it is open."""
        others = [one for one in self.books if one != book]
        return replace(self, books=others if book in self.books else [*others, book]).page()

    def page(self) -> str:
        """Return the address of the page."""
        order = {"order": "canon"} if self.by_canon else {}
        return f"/compare?{self._query(order | {'book': self.books})}"

    def download(self, format: str) -> str:
        """Return the address of the same as a file."""
        return f"/api/v1/compare?{self._query({'format': format})}"

    def _query(self, more: dict[str, Any]) -> str:
        return urlencode({"version": self.versions, **more}, doseq=True)


def versions_named(texts: Iterable[str]) -> tuple[list[Named], int]:
    """Return the versions of `kind:id` texts in their order, and how many of these name none."""
    named: list[Named] = []
    odd = 0
    for text in texts:
        kind, _, id_ = text.partition(":")
        try:
            if kind not in ("audio", "text"):
                raise ValueError
            named.append((kind, UUID(id_)))
        except ValueError:
            odd += 1
    return named, odd


def as_rows(comparison: Answer) -> Answer:
    """Return a comparison as a list: a row for each book of each version."""
    found = comparison.parsed()
    rows = [
        {
            **{key: value for key, value in book.items() if key != "versions"},
            "kind": version["kind"],
            "version_id": version["id"],
            "name": version["name"],
            **part,
        }
        for book in found["books"]
        for version, part in zip(found["items"], book["versions"], strict=True)
    ]
    return replace(comparison, body=json.dumps({"as_of": found["as_of"], "items": rows}))


def refusals_of(chosen: list[Any], *, missing: int) -> tuple[int, list[str]]:
    """Return the HTTP status of the page for these versions, and what keeps them from being
    compared, in sentences; `missing` were asked for too and are not there.
    """
    status, told = 200, list[str]()
    if missing:
        what = "One of the versions" if missing == 1 else f"{missing} of the versions"
        verb = "is" if missing == 1 else "are"
        told.append(f"{what} that were asked for {verb} not there, or deleted.")
        if len(chosen) < 2:
            status = 404
    if len({one["bible_version_id"] for one in chosen}) > 1:
        told.append("Their canons differ, so their verses cannot be compared. Choose those of one.")
        status = 409
    if len(chosen) > MOST:
        told.append(f"{MOST} versions fit beside each other. Take {len(chosen) - MOST} away.")
        status = 422
    if len(chosen) == 1:
        told.append("Choose at least one version more.")
    return status, told


def ordered(books: list[Any], *, by_canon: bool) -> list[Any]:
    """Return the books as they are, or those that differ most first."""
    return books if by_canon else sorted(books, key=lambda book: -book["differing_verses"])


def chapters_of(reads: Snapshot, comparison: Any, book_id: str) -> list[Any]:
    """Return the chapters of a book in which the versions differ, with what each has of them."""
    versions = comparison["items"]
    differ = [
        {c["chapter_id"]: c for c in v["chapters"] if c["book_id"] == book_id} for v in versions
    ]
    listed = [
        reads.get("chapters", kind=v["kind"], id=v["id"], book=book_id).shown()["items"]
        for v in versions
    ]
    return [
        {
            "id": same[0]["id"],
            "number": same[0]["number"],
            "total_verses": same[0]["total_verses"],
            "versions": [
                {
                    "covered_verses": chapter["covered_verses"],
                    "only_here": found.get(chapter["id"], {}).get("only_here", ""),
                    "lacking": found.get(chapter["id"], {}).get("lacking", ""),
                }
                for chapter, found in zip(same, differ, strict=True)
            ],
        }
        for same in zip(*listed, strict=True)
        if any(same[0]["id"] in found for found in differ)
    ]
