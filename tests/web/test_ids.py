"""Ids are the host's: whatever they are made of, they work in paths, queries, pages and clients."""

from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote, urljoin
from uuid import UUID

import httpx
import pytest

from bible_progress.client import Client
from bible_progress.reading import documents as d
from support.builders import World
from support.oracle import drain
from web.site import code

V1 = "/api/v1"
IDS = [
    "gen-1", "a/b", "/", "//", "/a", "a/", "a//b", "..", ".", "...", "../..", "../x", "a/../b", "./a",
    "%2E%2E", "%", "100 %", "%2F", "%zz", "a?b", "?", "#", "a#b", "a&b=c", "&amp;", "=", "+", "a+b", " ",
    " a ", "", ";", ":", "a:b", "@", "\\", "'", '"', "<b>", "{x}", "[1]", "~", "*", "é", "שלום", "١", "😀",
    "\u202e", "\u0301", "\u200b", "a\nb", "\t", "null", "chapter", "tree", "x" * 2000, "\U00010400" * 600,
]  # fmt: skip


@pytest.fixture
def version(library: World) -> UUID:
    """A text in a canon of one book whose chapters have these ids, the second verse missing."""
    library.canon(books={"ge/n?": ()})
    run = library.connection.execute
    for number, id_ in enumerate(IDS):
        run(
            "insert into chapters (id, chapter_number, book_id) values (%s, %s, 'ge/n?')",
            [id_, number],
        )
        run(
            "insert into verses (id, verse_number, chapter_id)"
            " values (%s || '/1?', 1, %s), (%s || '/2#', 2, %s)",
            [id_] * 4,
        )
    made = library.text_version()
    library.text(made, [f"{id_}/1?" for id_ in IDS])
    drain(library.connection)
    return made


def test_every_chapter_is_found_by_query_and_by_the_client(
    api: httpx.Client, version: UUID
) -> None:
    with Client(str(api.base_url)) as client:
        for id_ in IDS:
            found = client.chapter("text", version, id_)
            assert (found.id, found.covered, found.missing) == (id_, "1", "2")
            assert {verse.id for verse in found.verses} == {f"{id_}/1?", f"{id_}/2#"}
        assert [gap.chapter_id for gap in client.gaps("text", version)] == IDS
        tree = client.tree("text", version, book="ge/n?")
        assert [c.id for b in tree.books or [] for c in b.chapters or []] == IDS
    path = f"{V1}/versions/text/{version}/chapter"
    for id_ in IDS:
        first = api.get(path, params={"id": id_})
        assert d.ChapterDetail.model_validate_json(first.content).id == id_
        again = api.get(path, params={"id": id_}, headers={"If-None-Match": first.headers["etag"]})
        assert again.status_code == 304
    assert code(api.get(path, params={"id": "no such"})) == (404, "not_found")
    assert code(api.get(path)) == (422, "invalid_request")
    assert code(api.get(path, params={"id": "\x00"})) == (422, "invalid_request")


def test_a_chapter_is_found_by_its_path(api: httpx.Client, version: UUID) -> None:
    for id_ in IDS:
        # Clients take these for this folder and the one above; no path has a line break.
        if "\n" in id_ or not {".", ".."}.isdisjoint(id_.split("/")):
            continue
        answer = api.get(f"{V1}/versions/text/{version}/chapters/{quote(id_, safe='')}")
        assert answer.status_code == 200, answer.text
        assert answer.json()["id"] == id_


def test_every_chapter_of_a_page_is_linked(api: httpx.Client, version: UUID) -> None:
    class Links(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.found: list[dict[str, Any]] = []

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag == "a" and "data-told" in dict(attrs):
                self.found.append(dict(attrs))

    here = f"/versions/text/{version}"
    links = Links()
    links.feed(api.get(here).text)
    assert len(links.found) == len(IDS)
    ids = [link["id"] for link in links.found]
    assert len(set(ids)) == len(ids)
    assert all(id_.isascii() and not any(c.isspace() for c in id_) for id_ in ids)
    for number, link in enumerate(links.found):
        page = api.get(urljoin(here, link["href"]))
        assert page.status_code == 200
        assert f'<h2 id="chapter-name">ge/n? {number}: 1 of 2 verses' in page.text


@pytest.mark.parametrize("book", ["", "a/b", "..", "%", "a&b=c#", "é", "x" * 1000])
def test_a_book_is_chosen_by_its_id(api: httpx.Client, library: World, book: str) -> None:
    library.canon(books={"gen": (1,), book: (1,)})
    version = library.text_version()
    path = f"{V1}/versions/text/{version}"
    tree = api.get(f"{path}/tree", params={"book": book}).json()
    assert [b["id"] for b in tree["books"]] == [book]
    listed = api.get(f"{path}/chapters", params={"book": book}).json()
    assert [c["book_id"] for c in listed["items"]] == [book]
    table = api.get(f"{path}/chapters", params={"book": book, "format": "csv"}).text
    assert len(table.strip().splitlines()) == 2
