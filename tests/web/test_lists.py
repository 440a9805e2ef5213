"""Lists: all pages together are the list, whatever the host left out or wrote into it."""

import html
import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bible_progress.client import Client
from bible_progress.installing import install, uninstall
from bible_progress.reading import insights
from support.builders import World
from support.oracle import drain

V1 = "/api/v1"
SORTED_BY = (
    "name", "kind", "language", "status", "percent", "covered", "books", "old", "new", "updated",
    "created",
)  # fmt: skip
SORTS = [sign + by for by in SORTED_BY for sign in "+-"]

NAMES = [
    None, None, "", "", " ", "a", "A", "á", "same", "same", "Same", "50 %", "a/b?c#d&e=f", "\"'\\",
    "{}[],", "null", "\U0001f600\u202eabc", "\u05d0" * 900, "\u05d0" * 901, "z" * 3000 + "a",
    "line\nbreak\ttab", "-1", "\ufeff",
]  # fmt: skip
DATES = [
    None, None, "2020-01-01", "2020-01-01", "1969-12-31 23:59:59.999999+00", "epoch", "infinity",
    "-infinity", "0044-03-15 BC", "2030-01-01 00:00:00.000001",
]  # fmt: skip
ODD_IDS = ["", " ", "a/b", "..", ".", "a?b#c&d=e", "100 %", "%2F", "+", "é", "'\"", "x" * 900]


def walk(ask: Callable[[int, str | None], Any], limit: int) -> list[Any]:
    """Return what all pages of a list have; every page but the last is full."""
    seen: list[Any] = []
    cursor: str | None = None
    while True:
        page = ask(limit, cursor)
        seen += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return seen
        assert len(page["items"]) == limit
        assert len(seen) < 1000, "it never ends"


def limits(whole: list[Any]) -> set[int]:
    return {1, 2, 3, 7, len(whole) - 1, len(whole), len(whole) + 1}


def lister(api: httpx.Client, path: str, **query: Any) -> Callable[[int, str | None], Any]:
    def ask(limit: int, cursor: str | None) -> Any:
        more = {} if cursor is None else {"cursor": cursor}
        answer = api.get(V1 + path, params={**query, "limit": limit, **more})
        assert answer.status_code == 200, answer.text
        return answer.json()

    return ask


@pytest.fixture
def careless(library: World) -> World:
    """A host that allows what the engine allows: no name, no date, no number."""
    run = library.connection.execute
    for table in ("audio_versions", "text_versions"):
        run(f"alter table {table} alter name drop not null, alter created_at drop not null")
    run("alter table language_entities alter name drop not null")
    run("alter table books alter name drop not null, alter book_number drop not null")
    run("alter table chapters alter chapter_number drop not null")
    return library


def fill(world: World) -> set[UUID]:
    """Make versions of every name and date, some of which cover the same, some nothing."""
    world.canon()
    language = world.language()
    verses = ["gen-1-1", "gen-1-2", "exod-1-1"]
    made: set[UUID] = set()
    for number, name in enumerate(NAMES):
        kind = ("text", "audio")[number % 2]
        make = world.text_version if kind == "text" else world.audio_version
        version = make(language=language, name="to be changed")
        made.add(version)
        world.connection.execute(
            f"update {kind}_versions set name = %s, created_at = %s where id = %s",
            [name, DATES[number % len(DATES)], version],
        )
        if kind == "text":
            world.text(version, verses[: number % 4])
        if number == len(NAMES) // 2:
            drain(world.connection)
    return made


@pytest.mark.parametrize("sort", SORTS)
def test_all_pages_of_versions_are_every_version_once_in_order(
    api: httpx.Client, careless: World, sort: str
) -> None:
    made = fill(careless)
    ask = lister(api, "/versions", sort=sort.removeprefix("+"))
    whole = ask(200, None)
    ids = [item["id"] for item in whole["items"]]
    assert whole["next_cursor"] is None
    assert whole["total"] == len(ids)
    assert {UUID(id_) for id_ in ids} == made
    for limit in limits(ids):
        assert [item["id"] for item in walk(ask, limit)] == ids

    opposite = sort.removeprefix("+")
    opposite = opposite[1:] if opposite.startswith("-") else f"-{opposite}"
    turned = lister(api, "/versions", sort=opposite)(200, None)["items"]
    assert [item["id"] for item in turned] == ids[::-1]


@pytest.mark.parametrize("sort", SORTS)
def test_what_is_missing_is_least(api: httpx.Client, careless: World, sort: str) -> None:
    fill(careless)
    run = careless.connection.execute
    ids = [
        UUID(item["id"])
        for item in lister(api, "/versions", sort=sort.lstrip("+"))(200, None)["items"]
    ]
    if sort.startswith("-"):
        ids.reverse()
    rows = run(
        "select v.version_id, v.name is null or v.name = '', v.created_at is null"
        " or v.created_at = '-infinity', v.created_at::text, e.covered_verses, r.refreshed_at"
        " from progress.versions v cross join lateral"
        " progress.exact_version(v.kind, v.version_id) e"
        " left join progress.version_rollup r using (kind, version_id)"
    ).fetchall()
    by_id = {row[0]: row[1:] for row in rows}
    without = {"name": 0, "created": 1}.get(sort[1:])
    if without is not None:
        flags = [by_id[id_][without] for id_ in ids]
        assert flags == sorted(flags, reverse=True)
        assert True in flags
    elif sort[1:] == "updated":
        never = [by_id[id_][4] is None for id_ in ids]
        assert never == sorted(never, reverse=True)
    elif sort[1:] not in ("kind", "language", "books", "new"):
        covered = [by_id[id_][3] for id_ in ids]
        assert covered == sorted(covered)


def test_dates_are_in_order_the_missing_ones_oldest(api: httpx.Client, careless: World) -> None:
    fill(careless)
    ask = lister(api, "/versions", sort="created")
    ids = [UUID(item["id"]) for item in walk(ask, 3)]
    rows = careless.connection.execute(
        "select version_id, coalesce(created_at, '-infinity')::text"
        " from progress.versions order by coalesce(created_at, '-infinity')"
    ).fetchall()
    dates = dict(rows)
    assert [dates[id_] for id_ in ids] == [date for _, date in rows]


def test_all_pages_of_languages_are_every_language_once_in_order(
    api: httpx.Client, careless: World
) -> None:
    for name in NAMES:
        language = careless.language()
        careless.connection.execute(
            "update language_entities set name = %s where id = %s", [name, language]
        )
    ask = lister(api, "/languages")
    whole = ask(200, None)["items"]
    assert [name or "" for name in (item["name"] for item in whole)][:4] == [""] * 4
    assert sorted(str(item["name"]) for item in whole) == sorted(str(name) for name in NAMES)
    for limit in limits(whole):
        assert walk(ask, limit) == whole


def test_all_pages_of_dead_letters_are_every_letter_once_the_oldest_first(
    api: httpx.Client, library: World
) -> None:
    library.connection.execute(
        "insert into progress_refresh_dead_letter"
        " (kind, version_id, chapter_id, enqueued_at, attempts, last_error, died_at)"
        " select 'text', gen_random_uuid(), 'gen-1', now(), 1, 'broken',"
        " '2020-01-01'::timestamptz - n / 3 * '1 us'::interval from generate_series(1, 11) as n"
    )
    ask = lister(api, "/operations/dead-letters")
    whole = ask(200, None)["items"]
    assert len(whole) == 11
    assert whole == sorted(whole, key=lambda letter: (letter["died_at"], letter["id"]))
    for limit in limits(whole):
        assert walk(ask, limit) == whole


@pytest.mark.parametrize("is_drained", [True, False])
def test_all_pages_of_gaps_are_every_gap_once_in_canon_order(
    api: httpx.Client, careless: World, is_drained: bool
) -> None:
    run = careless.connection.execute
    careless.canon(books={"z": (2, 1, 1), "y": (1,), "b": (1, 2, 1), "a": (1, 1)})
    for number, id_ in enumerate(ODD_IDS):
        run(
            "insert into chapters (id, chapter_number, book_id) values (%s, %s, 'y')",
            [id_, number // 2],
        )
        run(
            "insert into verses (id, verse_number, chapter_id) values (%s || '-1', 1, %s)",
            [id_, id_],
        )
    run("update books set book_number = null, name = null where id in ('a', 'b')")
    run("update chapters set chapter_number = null where id in ('z-1', 'z-2', 'b-2', 'b-3')")
    version = careless.text_version()
    careless.text(version, ["z-2-1"])
    if is_drained:
        drain(careless.connection)
    ask = lister(api, f"/versions/text/{version}/gaps")
    whole = ask(1500, None)["items"]
    rows = run(
        "select c.chapter_id from progress.canon_chapters c where c.chapter_id <> 'z-2'"
        " order by book_number, book_id, chapter_number, chapter_id"
    ).fetchall()
    assert [item["chapter_id"] for item in whole] == [chapter for (chapter,) in rows]
    for limit in limits(whole):
        assert walk(ask, limit) == whole
    with Client(str(api.base_url)) as client:
        assert [gap.chapter_id for gap in client.gaps("text", version)] == [c for (c,) in rows]
    listed = api.get(f"{V1}/versions/text/{version}/chapters").json()
    order = [item["id"] for item in listed["items"] if item["id"] != "z-2"]
    assert order == [chapter for (chapter,) in rows]


def test_the_client_reads_what_a_careless_host_left_out(api: httpx.Client, careless: World) -> None:
    made = fill(careless)
    run = careless.connection.execute
    run("update language_entities set name = null")
    run("update text_versions set created_at = null")
    run("update books set name = null, book_number = null where id = 'gen'")
    run("update chapters set chapter_number = null where id = 'gen-1'")
    with Client(str(api.base_url)) as client:
        listed = list(client.versions(sort="-created"))
        assert {v.id for v in listed} == made
        [language] = client.languages()
        assert language.name is None
        one = next(v for v in listed if v.name is None and v.kind == "text")
        tree = client.tree("text", one.id)
        assert {None, "exod"} == {book.name for book in tree.books or []}
        assert client.chapter("text", one.id, "gen-1").number is None
        assert {None, 2} == {
            gap.number for gap in client.gaps("text", one.id) if gap.book_id == "gen"
        } | {None}
        other = next(v for v in listed if v.kind == "audio")
        assert len(client.compare([("text", one.id), ("audio", other.id)]).items) == 2
        assert client.language(language.id).best_text is not None


ID = "0" * 8 + "-0000" * 3 + "-" + "0" * 12


@pytest.mark.parametrize(
    ("path", "cursor"),
    [
        *(
            ("/versions", cursor)
            for cursor in (
                "", "~", "a", "e30", f"a~1e5~text~{ID}", f"a~nan~text~{ID}", f"a~1_0~text~{ID}",
                f"a~\u0661~text~{ID}", "a~0~text~no uuid", f"\x00~0~text~{ID}", f"a~0~video~{ID}",
                f"a~0~{ID}", f"a~0~text~{ID}~", f"a~0~text~{ID}\n", f"é~0~text~{ID}", f".2~0~text~{ID}",
                f"a~{'9' * 21}~text~{ID}", "A" * 3000,
            )
        ),
        ("/languages", f"a~0~text~{ID}"),
        ("/languages", ID),
        ("/operations/dead-letters", f"yesterday~{ID}"),
        ("/operations/dead-letters", f"{'9' * 17}~{ID}"),
        ("/operations/dead-letters", "0~x"),
    ],
)  # fmt: skip
def test_a_cursor_that_no_list_gave_is_refused(api: httpx.Client, path: str, cursor: str) -> None:
    answer = api.get(f"{V1}{path}", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


@settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(found=st.data())
def test_a_cursor_of_the_form_that_is_described_is_one(
    api: httpx.Client, described: dict[str, str], found: st.DataObject
) -> None:
    path = found.draw(st.sampled_from(sorted(described)))
    cursor = found.draw(st.from_regex(described[path], fullmatch=True))
    sort = found.draw(st.sampled_from(SORTS)).lstrip("+")
    query = {"cursor": cursor} | ({"sort": sort} if path.endswith("/versions") else {})
    if len(cursor) <= 2600:
        assert api.get(path, params=query).status_code == 200


@pytest.fixture
def described(api: httpx.Client) -> dict[str, str]:
    """The patterns of the cursors of each list, as the OpenAPI document says."""
    patterns: dict[str, str] = {}
    for path, operations in api.get(f"{V1}/openapi.json").json()["paths"].items():
        for parameter in operations.get("get", {}).get("parameters", []):
            if parameter["name"] == "cursor" and "{version_id}" not in path:
                [pattern] = [s["pattern"] for s in parameter["schema"]["anyOf"] if "pattern" in s]
                patterns[path] = pattern
    assert len(patterns) == 3
    return patterns


def test_every_cursor_that_a_list_gives_is_of_its_form(
    api: httpx.Client, careless: World, described: dict[str, str]
) -> None:
    fill(careless)
    for sort in SORTS:
        cursor: str | None = None
        while True:
            more = {} if cursor is None else {"cursor": cursor}
            query = {"sort": sort.lstrip("+"), "limit": 1, **more}
            cursor = api.get(f"{V1}/versions", params=query).json()["next_cursor"]
            if cursor is None:
                break
            assert re.fullmatch(described[f"{V1}/versions"], cursor)


def test_gaps_behind_a_chapter_that_is_not_there_are_not_found(
    api: httpx.Client, careless: World
) -> None:
    careless.canon()
    version = careless.text_version()
    for cursor in ("absent", "", "x" * 9000):
        for more in ({}, {"format": "csv"}):
            answer = api.get(
                f"{V1}/versions/text/{version}/gaps", params={"cursor": cursor, **more}
            )
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_pages_are_in_the_order_of_the_database_whatever_the_collations_of_the_host(
    api: httpx.Client, careless: World
) -> None:
    fill(careless)
    run = careless.connection.execute
    uninstall.uninstall(careless.connection)
    run('alter table audio_versions alter name type text collate "C"')
    run('alter table text_versions alter name type text collate "POSIX"')
    run('alter table language_entities alter name type varchar collate "C"')
    install.install(careless.connection)
    drain(careless.connection)
    ask = lister(api, "/versions", sort="name")
    whole = [item["id"] for item in ask(200, None)["items"]]
    assert len(whole) == len(NAMES)
    for limit in (1, 3, 7):
        assert [item["id"] for item in walk(ask, limit)] == whole
    assert len(lister(api, "/versions", q="SAME")(200, None)["items"]) == 3
    assert len(insights.versions(careless.connection)) == len(NAMES)


def test_pages_call_nothing_none(api: httpx.Client, careless: World) -> None:
    made = fill(careless)
    run = careless.connection.execute
    run("update text_versions set name = null")
    run("update language_entities set name = null")
    run("update books set name = null, book_number = null where id = 'gen'")
    run("update chapters set chapter_number = null where id = 'gen-1'")
    [(language,)] = run("select id from language_entities").fetchall()
    texts = run("select id from text_versions order by name, id").fetchall()
    assert {id_ for (id_,) in texts} < made
    one = f"/versions/text/{texts[0][0]}"
    for path in ("/", "/languages", f"/languages/{language}", one, f"{one}?chapter=gen-1"):
        page = api.get(path)
        assert page.status_code == 200
        assert "None" not in page.text
        assert "(no name)" in page.text
    assert "(no name)" in api.get(f"{V1}{one}/badge.svg").text


def names(answer: Any) -> list[str]:
    return [item["name"] for item in answer["items"]]


@pytest.fixture
def regions(library: World) -> dict[str, UUID]:
    """Africa with Sahel with Kanuri with a dialect; versions below only, one of another region."""
    library.canon()
    run = library.connection.execute
    made: dict[str, UUID] = {}
    for name, parent in (
        ("Áfrĭca", None), ("Sahel", "Áfrĭca"), ("Kanuri", "Sahel"), ("Mañga", "Kanuri"),
        ("Ásia", None), ("Empty", None),
    ):  # fmt: skip
        made[name] = library.language(name)
        run(
            "update language_entities set parent_id = %s where id = %s",
            [parent and made[parent], made[name]],
        )
    for number in (1, 2, 10):
        version = library.text_version(name=f"Version {number}", language=made["Mañga"])
        library.text(version, ["gen-1-1", "gen-1-2", "exod-1-1"][: number % 5 + 1])
    library.audio_version(name="Lecture", language=made["Kanuri"])
    library.text_version(name="Elsewhere", language=made["Ásia"])
    drain(library.connection)
    return made


def test_a_region_or_language_is_found_by_its_name_with_everything_in_it(
    api: httpx.Client, regions: dict[str, UUID]
) -> None:
    def found(q: str) -> set[str]:
        return set(names(lister(api, "/versions", q=q)(200, None)))

    inside = {"Version 1", "Version 2", "Version 10", "Lecture"}
    for q in ("africa", "AFRICA", "Áfri", "afrĭca", "sahel", "KANURI"):
        assert found(q) == inside, q
    assert found("manga") == inside - {"Lecture"}
    assert found("asia") == {"Elsewhere"}
    assert found("léctüre") == {"Lecture"}
    assert found("empty") == set()
    page = api.get("/", params={"q": "africa"}).text
    assert "4 versions found" in page


def test_what_is_below_a_deleted_language_is_not_in_the_region_above(
    api: httpx.Client, library: World, regions: dict[str, UUID]
) -> None:
    library.connection.execute(
        "update language_entities set deleted_at = now() where id = %s", [regions["Kanuri"]]
    )
    found = lister(api, "/versions", q="sahel")(200, None)
    assert found["total"] == 0
    assert lister(api, "/versions", language=regions["Sahel"])(200, None)["total"] == 0
    assert api.get(f"{V1}/languages/{regions['Sahel']}").json()["language"]["text_versions"] == 0


def test_regions_in_a_circle_are_searched_once(
    api: httpx.Client, library: World, regions: dict[str, UUID]
) -> None:
    library.connection.execute(
        "update language_entities set parent_id = %s where id = %s",
        [regions["Mañga"], regions["Áfrĭca"]],
    )
    assert lister(api, "/versions", q="sahel")(200, None)["total"] == 4
    listed = lister(api, "/languages", with_versions=True)(200, None)["items"]
    assert {item["name"]: item["text_versions"] for item in listed} == {
        "Áfrĭca": 3, "Sahel": 3, "Kanuri": 3, "Mañga": 3, "Ásia": 1,
    }  # fmt: skip


def test_regions_count_what_is_in_them_unless_asked_for_their_own(
    api: httpx.Client, regions: dict[str, UUID]
) -> None:
    def languages(**query: Any) -> dict[str, tuple[int, int, str | None]]:
        return {
            item["name"]: (
                item["text_versions"],
                item["audio_versions"],
                item["best_text"] and item["best_text"]["name"],
            )
            for item in lister(api, "/languages", **query)(200, None)["items"]
        }

    best = "Version 2"
    assert languages() == {
        "Áfrĭca": (3, 1, best), "Sahel": (3, 1, best), "Kanuri": (3, 1, best),
        "Mañga": (3, 0, best), "Ásia": (1, 0, None), "Empty": (0, 0, None),
    }  # fmt: skip
    assert set(languages(with_versions=True)) == {"Áfrĭca", "Sahel", "Kanuri", "Mañga", "Ásia"}
    own = languages(with_versions=True, descendants=False)
    assert own == {"Kanuri": (0, 1, None), "Mañga": (3, 0, best), "Ásia": (1, 0, None)}

    sahel = f"/languages/{regions['Sahel']}"
    page = api.get(sahel).text
    assert "Version 10" in page
    assert "Lecture" in page
    assert "no versions" not in page
    alone = api.get(sahel, params={"descendants": "false"}).text
    assert "Version 10" not in alone
    assert "no versions yet of its own" in alone
    assert api.get(f"{V1}{sahel}").json()["language"]["best_text"]["name"] == best
    only = api.get(f"{V1}{sahel}", params={"descendants": False}).json()["language"]
    assert only["best_text"] is None
    for query, total in (({}, 4), ({"descendants": False}, 0)):
        ask = lister(api, "/versions", language=regions["Sahel"], **query)
        assert ask(200, None)["total"] == total


def test_names_are_in_the_order_in_which_people_look_for_them(
    api: httpx.Client, library: World
) -> None:
    library.canon()
    language = library.language("Version 10")
    wanted = [
        "Editio",
        "Édition 2",
        "edition 3",
        "EDITION 10",
        "Version 2",
        "version 9",
        "Version 10",
    ]
    for name in reversed(wanted):
        library.text_version(name=name, language=language)
        library.language(f"{name} (language)")
    ask = lister(api, "/versions", sort="name")
    assert names(ask(200, None)) == wanted
    assert [item["name"] for item in walk(ask, 2)] == wanted
    page = api.get("/").text
    assert [name for name in re.findall(r"<bdi>(.*?)</bdi>", page) if name in wanted[:6]] == wanted[
        :6
    ]
    listed = [item["name"] for item in walk(lister(api, "/languages"), 3)]
    assert [name for name in listed if "(" in name] == [f"{name} (language)" for name in wanted]


@pytest.fixture
def columns(library: World) -> list[dict[str, Any]]:
    """Versions that differ in every column; what the list says of them."""
    library.canon(books={"gen": (4,), "ruth": (3,), "matt": (5,)})
    run = library.connection.execute
    run("update books set testament = 'new' where id = 'matt'")
    everything = [
        f"{c}-{n}" for c, m in (("gen-1", 4), ("ruth-1", 3), ("matt-1", 5)) for n in range(1, m + 1)
    ]
    for number, verses in enumerate(
        (everything, [], everything[:4], everything[7:], everything[3:9], everything[:7])
    ):
        language = library.language(f"Language {12 - number}")
        library.text(library.text_version(name=f"Text {number}", language=language), verses)
    library.recording(
        library.audio_version(name="Audio", language=library.language("Ähnlich")), chapter="ruth-1"
    )
    drain(library.connection)
    return []


@pytest.mark.usefixtures("columns")
@pytest.mark.parametrize("by", ["kind", "language", "status", "books", "old", "new", "percent"])
def test_every_column_is_sorted_by_what_it_shows(api: httpx.Client, by: str) -> None:
    def shown(item: dict[str, Any]) -> Any:
        shares = {part["testament"]: part["covered_verses"] for part in item["testaments"]}
        return {
            "kind": item["kind"],
            "language": (
                item["language"] != "Ähnlich",
                int(re.sub(r"\D", "", item["language"]) or 0),
            ),
            "status": ("not started", "in progress", "complete").index(item["status"]),
            "books": item["books_complete"],
            "old": shares["old"],
            "new": shares["new"],
            "percent": item["percent"],
        }[by]

    items = lister(api, "/versions", sort=by)(200, None)["items"]
    assert len(items) == 7
    assert len({shown(item) for item in items}) > 1
    assert [shown(item) for item in items] == sorted(map(shown, items))
    assert [item["id"] for item in walk(lister(api, "/versions", sort=by), 2)] == [
        item["id"] for item in items
    ]
    # The head of the column leads there and back, and says how it is sorted.
    page = api.get("/", params={"sort": by}).text
    [link] = re.findall(rf'aria-sort="ascending">\s*<a href="([^"]*sort=-{by}[^"]*)"', page)
    assert 'aria-sort="descending"' in api.get(html.unescape(link)).text


@pytest.mark.usefixtures("columns")
def test_pages_of_a_list_keep_what_was_asked_for(
    api: httpx.Client, library: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    language = library.language("Many")
    for number in range(60):
        library.text_version(name=f"Copy {number}", language=language)
    for path in ("/?q=copy&kind=text&sort=-name", f"/languages/{language}?sort=-name"):
        seen: list[str] = []
        for _ in range(2):
            page = api.get(path).text
            seen += re.findall(r'<td class="name"><input[^>]*>\s*<a[^>]*><bdi>(.*?)</bdi>', page)
            following = re.findall(r'<a href="([^"]*)" rel="next"', page)
            path = html.unescape(following[0]) if following else ""
        assert not path
        assert seen == [f"Copy {number}" for number in reversed(range(60))]
