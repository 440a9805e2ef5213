"""Downloads: whole, of one moment, a page in memory at a time, and never silently short."""

import csv
import html
import io
import json
import re
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from psycopg import Connection

from acceptance.command_line import soon
from bible_progress.reading import documents as d
from bible_progress.web import downloads
from support.builders import World
from support.oracle import drain
from web.site import served

V1 = "/api/v1"
ALL = ["csv", "ndjson"]


def rows(text: str, format: str) -> list[dict[str, Any]]:
    if format == "csv":
        return list(csv.DictReader(io.StringIO(text)))
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> int:
    """So that few rows make many pages."""
    monkeypatch.setattr(downloads, "ROWS_AT_ONCE", 2)
    return 2


def many(world: World, count: int, *, name: str = "Text") -> list[UUID]:
    world.canon()
    language = world.language()
    return [world.text_version(name=f"{name} {n:05}", language=language) for n in range(count)]


@pytest.fixture
def wide(library: World) -> list[UUID]:
    """Versions of which a socket cannot hold more than a few."""
    return many(library, 24, name="\u00e9" * 500_000)


@pytest.fixture
def plain(database: str) -> Iterator[httpx.Client]:
    """A client that takes answers as they are."""
    with served(database) as client:
        client.headers["Accept-Encoding"] = "identity"
        yield client


@pytest.mark.parametrize("format", ALL)
@pytest.mark.parametrize("count", [0, 1, 2, 3, 203])
def test_every_version_is_in_the_download(
    api: httpx.Client, library: World, count: int, format: str
) -> None:
    made = many(library, count)
    answer = api.get(f"{V1}/versions", params={"format": format, "sort": "-created"})
    assert answer.headers["content-disposition"] == f'attachment; filename="versions.{format}"'
    assert "link" not in answer.headers
    found = rows(answer.text, format)
    assert [UUID(row["id"]) for row in found] == made[::-1]
    if format == "csv":
        head = answer.text.splitlines()[0].split(",")
        assert "testaments" not in head
        assert {"id", "name", "covered_verses", "pending"} <= set(head)
    else:
        for row in found:
            d.VersionSummary.model_validate(row)


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("format", ALL)
@pytest.mark.parametrize("sort", ["name", "-name", "percent", "-updated"])
def test_a_download_of_many_pages_has_the_rows_of_the_list_in_its_order(
    api: httpx.Client, library: World, sort: str, format: str
) -> None:
    for version in many(library, 7)[::2]:
        library.text(version, ["gen-1-1"])
    drain(library.connection)
    wanted = api.get(f"{V1}/versions", params={"sort": sort}).json()["items"]
    answer = api.get(f"{V1}/versions", params={"format": format, "sort": sort})
    assert "content-length" not in answer.headers
    assert [row["id"] for row in rows(answer.text, format)] == [item["id"] for item in wanted]


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("format", ALL)
@pytest.mark.parametrize("what", ["gaps", "books", "chapters", "history"])
def test_every_list_of_a_version_is_whole(
    api: httpx.Client, library: World, what: str, format: str
) -> None:
    library.canon(books={f"b{n:03}": (1,) * 9 for n in range(30)})
    version = library.text_version()
    drain(library.connection)
    library.connection.execute(
        "insert into progress.version_history (kind, version_id, day, covered_verses, total_verses,"
        " chapters_with_any, complete_chapters, total_chapters, books_complete, total_books)"
        " select kind, version_id, day - n, covered_verses, total_verses, chapters_with_any,"
        " complete_chapters, total_chapters, books_complete, total_books"
        " from progress.version_history, generate_series(1, 399) as n"
    )
    wanted = {"gaps": 270, "books": 30, "chapters": 270, "history": 400}[what]
    answer = api.get(f"{V1}/versions/text/{version}/{what}", params={"format": format})
    found = rows(answer.text, format)
    assert len(found) == wanted
    key = {"gaps": "chapter_id", "history": "day"}.get(what, "id")
    assert len({row[key] for row in found}) == wanted


@pytest.mark.parametrize("format", ALL)
@pytest.mark.parametrize("path", ["versions", "gaps"])
def test_a_limit_gives_so_many_and_names_the_rest(
    api: httpx.Client, library: World, path: str, format: str
) -> None:
    made = many(library, 7)
    if path == "gaps":
        path, key, wanted = f"versions/text/{made[0]}/gaps", "chapter_id", 4
    else:
        key, wanted = "id", 7
    url = f"{V1}/{path}?format={format}&limit=3"
    seen: list[str] = []
    for _ in range(4):
        answer = api.get(url)
        seen += [row[key] for row in rows(answer.text, format)]
        following = answer.links.get("next")
        if following is None:
            break
        url = str(answer.url.join(following["url"]))
    assert len(seen) == len(set(seen)) == wanted


@pytest.mark.usefixtures("small_pages", "wide")
@pytest.mark.parametrize("format", ALL)
def test_a_download_that_fails_midway_breaks_off(
    plain: httpx.Client, connect: Callable[..., Connection[Any]], format: str
) -> None:
    path = f"{V1}/versions?format={format}"
    with plain.stream("GET", path) as answer:
        assert answer.status_code == 200
        got = answer.iter_bytes()
        next(got)
        ended = connect().execute(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity"
            " where datname = current_database() and application_name = 'bible-progress api'"
        )
        assert ended.fetchone() != (0,)
        with pytest.raises(httpx.RemoteProtocolError):
            for _ in got:
                pass
    # And the server goes on.
    assert plain.get(f"{V1}/versions?limit=1").status_code == 200


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("format", ALL)
def test_a_download_is_of_one_moment(
    plain: httpx.Client, library: World, wide: list[UUID], format: str
) -> None:
    with plain.stream("GET", f"{V1}/versions?format={format}&sort=created") as answer:
        got = answer.iter_bytes()
        text = next(got)
        run = library.connection.execute
        run("delete from text_versions where id = %s", [wide[-1]])
        library.text(wide[-2], ["gen-1-1"])
        library.text_version(name="new")
        text += b"".join(got)
    limit = csv.field_size_limit(10_000_000)
    found = rows(text.decode(), format)
    csv.field_size_limit(limit)
    assert [UUID(row["id"]) for row in found] == wide
    assert {str(row["covered_verses"]) for row in found} == {"0"}


@pytest.mark.usefixtures("small_pages")
def test_a_download_takes_no_more_memory_than_a_page(plain: httpx.Client, wide: list[UUID]) -> None:
    total = 0
    tracemalloc.start()
    try:
        with plain.stream("GET", f"{V1}/versions?format=csv") as answer:
            for part in answer.iter_bytes():
                total += len(part)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert total > len(wide) * 1_000_000
    assert peak < total


@pytest.mark.usefixtures("small_pages", "wide")
def test_whoever_leaves_in_the_middle_gives_back_what_was_held(
    database: str, library: World
) -> None:
    with served(database, pool_size=2) as api:
        for _ in range(5):
            with api.stream("GET", f"{V1}/versions?format=csv") as answer:
                next(answer.iter_bytes())
        assert api.get(f"{V1}/versions?format=csv").status_code == 200

        def none_is_held() -> bool:
            return library.connection.execute(
                "select count(*) from pg_stat_activity where datname = current_database()"
                " and application_name = 'bible-progress api' and state <> 'idle'"
            ).fetchone() == (0,)

        # Once the server has noticed that the last of them left.
        assert soon(none_is_held)


def test_a_download_that_fits_a_page_need_not_be_sent_again(
    api: httpx.Client, library: World
) -> None:
    many(library, 3)
    path = f"{V1}/versions?format=csv"
    first = api.get(path)
    again = api.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.usefixtures("small_pages")
def test_what_the_overview_offers_is_all_of_it(api: httpx.Client, library: World) -> None:
    """What the dashboard offers to download is all of it."""
    many(library, 5)
    overview = api.get("/").text
    assert "/api/v1/versions?sort=name&amp;format=csv" in overview
    answer = api.get("/api/v1/versions?sort=name&format=csv")
    assert len(rows(answer.text, "csv")) == 5


@pytest.mark.parametrize("sort", ["-old", "language"])
def test_a_download_has_the_columns_rows_and_order_of_the_page(
    api: httpx.Client, library: World, sort: str
) -> None:
    library.canon(books={"gen": (4,), "matt": (5,), "tob": (2,)})
    library.connection.execute("update books set testament = 'new' where id = 'matt'")
    library.connection.execute("update books set testament = null where id = 'tob'")
    library.canon("front", {"front": (1,)}, prefix="f-")
    library.connection.execute("update books set testament = null where id = 'f-front'")
    for number, verses in enumerate(([], ["gen-1-1"], ["gen-1-1", "gen-1-2", "matt-1-1"])):
        version = library.text_version(
            name=f"=Found {number}", language=library.language(f"L{9 - number}")
        )
        library.text(version, verses)
    library.text_version(canon="front", name="Found without testaments")
    library.audio_version(name="Found by its kind")
    library.text_version(name="Another")
    drain(library.connection)
    page = api.get("/", params={"q": "found", "kind": "text", "sort": sort}).text
    [link] = re.findall(r'<a href="([^"]*format=csv)" download', page)
    found = rows(api.get(html.unescape(link)).text, "csv")
    shown = re.findall(r'<tr id="v-text-([^"]*)"', page)
    assert len(shown) == 4
    assert [row["id"] for row in found] == shown
    listed = api.get(f"{V1}/versions").json()["items"]
    by_id = {item["id"]: item for item in listed}
    for row in found:
        parts = {part["testament"]: part for part in by_id[row["id"]]["testaments"]}
        for testament in ("old", "new"):
            for name in ("covered_verses", "total_verses", "percent", "books_complete"):
                said = row[f"{testament}_{name}"]
                assert said == (str(parts[testament][name]) if testament in parts else "")
