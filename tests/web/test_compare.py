"""The page Compare: what it shows, what it opens, and how it refuses."""

import csv
import html
import io
import re
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import UUID, uuid4

import httpx
import pytest

from support.builders import World
from support.oracle import drain

V1 = "/api/v1"
BOOKS = {"gen": (6, 4), "exod": (5,), "mark": (8, 3), "rev": (2,)}


def address(path: str, *versions: tuple[str, UUID], **more: Any) -> str:
    query = {"version": [f"{kind}:{id_}" for kind, id_ in versions], **more}
    return f"{path}?{urlencode(query, doseq=True)}"


def texts(world: World, covered: list[list[str]], **where: Any) -> list[tuple[str, UUID]]:
    found: list[tuple[str, UUID]] = []
    for number, verses in enumerate(covered, start=1):
        version = world.text_version(name=f"Text {number}", **where)
        world.text(version, verses)
        found.append(("text", version))
    return found


def words(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def rows(page: str) -> list[str]:
    """Return what the rows of the table say."""
    [body] = re.findall(r"<tbody>(.*?)</tbody>", page, re.DOTALL)
    return [words(row) for row in re.findall(r"<tr.*?</tr>", body, re.DOTALL)]


def links(page: str, told: str) -> list[str]:
    found = re.findall(rf'<a[^>]*href="([^"]*)"[^>]*>(?:<bdi>)?{re.escape(told)}<', page)
    return [html.unescape(one) for one in found]


@pytest.mark.parametrize("is_drained", [True, False])
def test_books_stand_below_each_other_and_those_that_differ_most_first(
    api: httpx.Client, library: World, is_drained: bool
) -> None:
    library.canon(books=BOOKS)
    language = library.language()
    versions = texts(
        library,
        [
            ["exod-1-1", "mark-1-1", "mark-1-2", "mark-1-3", "mark-2-1"],
            ["exod-1-1", "mark-1-1", "gen-1-1", "mark-2-1"],
            ["exod-1-1", "mark-2-1"],
        ],
        language=language,
    )
    if is_drained:
        drain(library.connection)
    page = api.get(address("/compare", *versions))
    assert page.status_code == 200
    # mark: 1 in two of three, 2 and 3 in one; gen: 1 in one.
    assert rows(page.text) == [
        "All books 4 5 only here 2 · lacks 1 4 only here 1 · lacks 2 2 lacks 4",
        "mark 11 verses 3 4 only here 2 2 lacks 2 1 lacks 3",
        "gen 10 verses 1 0 lacks 1 1 only here 1 0 lacks 1",
        "exod 5 verses - 1 1 1",
        "rev 2 verses - 0 0 0",
    ]
    [canon] = links(page.text, "In the order of the canon")
    turned = api.get(canon).text
    assert [row.split()[0] for row in rows(turned)] == ["All", "gen", "exod", "mark", "rev"]
    [back] = links(turned, "Differences first")
    assert rows(api.get(back).text) == rows(page.text)


def test_a_book_opens_to_the_chapters_that_differ_and_closes_again(
    api: httpx.Client, library: World
) -> None:
    library.canon(books=BOOKS)
    versions = texts(
        library, [["mark-1-1", "mark-1-2", "mark-1-5", "mark-2-1"], ["mark-1-5", "mark-2-1"]]
    )
    page = api.get(address("/compare", *versions)).text
    [opening] = links(page, "mark")
    opened = api.get(opening).text
    assert rows(opened)[1:3] == [
        "mark 11 verses 2 4 only here 2 2 lacks 2",
        "mark 1 8 verses 3 only here 1-2 1 lacks 1-2",
    ]
    assert "mark 2" not in rows(opened)[3]
    [closing] = links(opened, "mark")
    assert rows(api.get(closing).text) == rows(page)
    # Where a chapter is a link, it leads to that chapter of that version.
    [chapter] = links(opened, "3")
    assert "Missing: 3-4 6-8" in words(api.get(chapter).text)
    # A book that is none opens nothing.
    assert rows(api.get(f"{opening}&book=none").text) == rows(opened)


@pytest.mark.parametrize(
    ("asked", "status", "told"),
    [
        (0, 200, ""),
        (1, 200, "Choose at least one version more"),
        (9, 422, "8 versions fit beside each other. Take 1 away"),
        ("canons", 409, "Their canons differ"),
        ("deleted", 404, "One of the versions that were asked for is not there, or deleted"),
        ("unknown", 404, "One of the versions that were asked for is not there, or deleted"),
        ("odd", 404, "2 of the versions that were asked for are not there, or deleted"),
    ],
)
def test_what_cannot_be_compared_is_said_beside_a_way_to_go_on(
    api: httpx.Client, library: World, asked: Any, status: int, told: str
) -> None:
    library.canon(books=BOOKS)
    language = library.language()
    made = texts(library, [["gen-1-1"]] * 10, language=language)
    wanted = made[: asked if isinstance(asked, int) else 1]
    more: list[str] = []
    if asked == "canons":
        other = library.canon("other", {"ruth": (3,)}, prefix="o-")
        wanted += texts(library, [[]], canon=other)
    elif asked == "deleted":
        wanted = made[:2]
        library.connection.execute(
            "update text_versions set deleted_at = now() where id = %s", [made[1][1]]
        )
    elif asked == "unknown":
        wanted += [("audio", uuid4())]
    elif asked == "odd":
        more = ["text:x", "\x00"]
    query = {"version": [*(f"{kind}:{id_}" for kind, id_ in wanted), *more]}
    page = api.get(f"/compare?{urlencode(query, doseq=True)}", headers={"Accept": "text/html"})
    assert page.status_code == status
    assert told in words(page.text)
    assert '<form class="choose" action="/compare"' in page.text
    assert "By book" not in page.text
    checked = re.findall(r'value="(\w+:[0-9a-f-]{36})" checked', page.text)
    there = [one for one in wanted if asked not in ("deleted", "unknown") or one == made[0]]
    assert checked == [f"{kind}:{id_}" for kind, id_ in there]
    # Those that it offers can be compared with those that are chosen.
    offered = re.findall(r'value="(\w+:[0-9a-f-]{36})" >', page.text)
    assert offered
    if len(there) == 1:
        assert api.get("/compare", params={"version": [*checked, offered[0]]}).status_code == 200


def test_what_is_there_is_compared_without_what_is_not(api: httpx.Client, library: World) -> None:
    library.canon(books=BOOKS)
    versions = texts(library, [["gen-1-1"], ["gen-1-2"]])
    page = api.get(address("/compare", *versions, ("text", uuid4()), versions[0]))
    assert page.status_code == 200
    assert "One of the versions that were asked for is not there" in words(page.text)
    assert rows(page.text)[1] == "gen 10 verses 2 1 only here 1 · lacks 1 1 only here 1 · lacks 1"


def test_versions_of_the_same_canon_are_found_by_name_and_language(
    api: httpx.Client, library: World
) -> None:
    library.canon(books=BOOKS)
    other = library.canon("other", {"ruth": (3,)}, prefix="o-")
    [one] = texts(library, [["gen-1-1"]])
    library.text_version(name="Wanted here", language=library.language("Gonja"))
    library.text_version(canon=other, name="Wanted there")
    library.audio_version(name="Recorded", language=library.language("Wantedish"))
    start = api.get(address("/compare", one))
    assert "There is no other" in words(start.text)
    found = words(api.get(address("/compare", one, q="wanted")).text)
    assert "Wanted here text, Gonja" in found
    assert "Recorded audio, Wantedish" in found
    assert "Wanted there" not in found


def test_a_version_leads_to_its_comparisons(api: httpx.Client, library: World) -> None:
    library.canon(books=BOOKS)
    language = library.language()
    one, other = texts(library, [["gen-1-1"], ["gen-1-2"]], language=language)
    page = api.get(f"/versions/text/{one[1]}").text
    [form] = re.findall(r'<form class="choose".*?</form>', page, re.DOTALL)
    values = re.findall(r'name="version" value="([^"]*)"', form)
    assert values == [f"text:{one[1]}", f"text:{other[1]}"]
    [any_other] = links(page, "Compare with any other")
    assert parse_qs(urlsplit(any_other).query) == {"version": [f"text:{one[1]}"]}


def test_downloads_hold_what_the_page_shows(api: httpx.Client, library: World) -> None:
    library.canon(books=BOOKS)
    versions = texts(library, [["gen-1-1", "mark-1-2"], ["=1", "mark-1-2"][1:], []])
    library.connection.execute("update text_versions set name = '=1+1' where name = 'Text 2'")
    page = api.get(address("/compare", *versions)).text
    [as_csv], [as_json] = links(page, "CSV"), links(page, "JSON")
    answer = api.get(as_csv)
    assert answer.headers["content-disposition"] == 'attachment; filename="comparison.csv"'
    listed = list(csv.DictReader(io.StringIO(answer.text)))
    books = api.get(as_json).json()["books"]
    assert [(row["book"], row["name"]) for row in listed] == [
        (book, name) for book in BOOKS for name in ("Text 1", "'=1+1", "Text 3")
    ]
    for number, row in enumerate(listed):
        book = books[number // 3]
        part = book["versions"][number % 3]
        assert row["version_id"] == str(versions[number % 3][1])
        for key, value in {**book, **part}.items():
            if key != "versions":
                assert row[key] == str(value), key
    assert api.get(address(f"{V1}/compare", versions[0], format="csv")).status_code == 422
    other = library.text_version(canon=library.canon("other", {"ruth": (3,)}, prefix="o-"))
    refused = api.get(address(f"{V1}/compare", versions[0], ("text", other), format="csv"))
    assert (refused.status_code, refused.json()["code"]) == (409, "not_comparable")


def test_long_names_make_no_long_page(api: httpx.Client, library: World) -> None:
    library.canon(books={f"b{n}": (1,) for n in range(66)})
    made = texts(library, [["b1-1-1"]] * 7 + [["b2-1-1"]])
    plain = api.get(address("/compare", *made)).text
    library.connection.execute("update text_versions set name = repeat('n', 10000)")
    long = api.get(address("/compare", *made)).text
    # Each is there to be read and to be chosen; no cell repeats it.
    assert len(long) - len(plain) < 3 * len(made) * 10_000
