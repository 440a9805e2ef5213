"""Totals: counted from the canon itself, zeros included, never over 100 %."""

from typing import Any
from uuid import UUID

import pytest
from scene import Scene

from oracle.checks import assert_right
from support.builders import World

KINDS = ("audio", "text")
BOTH = ("", "mv_")


def row(world: World, relation: str, version: UUID, where: str = "true") -> tuple[Any, ...] | None:
    """Return the only row of a version in a relation, without the version's id."""
    key = "audio_version_id" if "audio" in relation else "text_version_id"
    rows = world.connection.execute(
        f"select * from {relation} where {key} = %s and {where}", [version]
    ).fetchall()
    assert len(rows) <= 1
    return rows[0][1:] if rows else None


def version_of(world: World, kind: str, canon: str = "eng", language: UUID | None = None) -> UUID:
    make = world.text_version if kind == "text" else world.audio_version
    return make(canon, language)


def cover(world: World, kind: str, version: UUID, verses: list[str]) -> None:
    if kind == "text":
        world.text(version, verses)
    else:
        world.timings(world.recording(version), verses)


@pytest.mark.parametrize("kind", KINDS)
def test_total_verses_that_lie_are_ignored(world: World, kind: str) -> None:
    world.canon("eng")
    version = version_of(world, kind)
    cover(world, kind, version, ["gen-2-1", "gen-2-2"])
    world.connection.execute("update chapters set total_verses = 999")
    assert_right(world.connection)
    for prefix in BOTH:
        chapter = row(world, f"{prefix}{kind}_chapter_coverage", version, "chapter_id = 'gen-2'")
        assert chapter is not None
        assert chapter[:3] == ("gen-2", 2, 2)
        summary = row(world, f"{prefix}{kind}_version_progress_summary", version)
        assert summary is not None
        assert summary[:2] == (2, 11)


@pytest.mark.parametrize("kind", KINDS)
def test_a_version_without_content_has_every_row_with_zeros(world: World, kind: str) -> None:
    world.canon("eng")
    version = version_of(world, kind)
    assert_right(world.connection)
    key = f"{kind}_version_id"
    for prefix in BOTH:
        run = world.connection.execute
        chapters = run(
            f"select chapter_id, total_verses, is_complete from {prefix}{kind}_chapter_coverage"
            f" where {key} = %s order by chapter_id",
            [version],
        ).fetchall()
        assert chapters == [
            ("exod-1", 4, False),
            ("exod-2", 2, False),
            ("gen-1", 3, False),
            ("gen-2", 2, False),
        ]
        books = run(
            f"select book_id, complete_chapters, total_chapters, is_complete"
            f" from {prefix}{kind}_book_coverage where {key} = %s order by book_id",
            [version],
        ).fetchall()
        assert books == [("exod", 0, 2, False), ("gen", 0, 2, False)]
        summary = row(world, f"{prefix}{kind}_version_progress_summary", version)
        assert summary is not None
        assert summary[:9] == (0, 11, 0, 0, 4, 0, 0, 2, 0)
        assert run(f"select from {prefix}{kind}_verse_coverage").fetchall() == []


@pytest.mark.parametrize("kind", KINDS)
def test_chapters_and_books_without_verses_have_rows_but_are_not_counted(
    world: World, kind: str
) -> None:
    world.canon("eng", {"gen": (1, 0), "exod": (0,), "lev": ()})
    version = version_of(world, kind)
    cover(world, kind, version, ["gen-1-1"])
    assert_right(world.connection)
    for prefix in BOTH:
        relation = f"{prefix}{kind}_chapter_coverage"
        chapters = [
            row(world, relation, version, f"chapter_id = '{chapter}'")
            for chapter in ("gen-1", "gen-2", "exod-1")
        ]
        # has_any stands in between for audio, and what orders stands behind.
        assert [c and (*c[1:3], c[-4]) for c in chapters] == [
            (1, 1, True),
            (0, 0, False),
            (0, 0, False),
        ]
        relation = f"{prefix}{kind}_book_coverage"
        books = [
            row(world, relation, version, f"book_id = '{book}'") for book in ("gen", "exod", "lev")
        ]
        assert [b and b[1:4] for b in books] == [(1, 1, True), (0, 0, False), (0, 0, False)]
        summary = row(world, f"{prefix}{kind}_version_progress_summary", version)
        assert summary is not None
        assert summary[:9] == (1, 1, 1, 1, 1, 1, 1, 1, 1)


# Canons with introductions, and whatever else has no verses, at either end and in between.
VERSELESS: dict[str, dict[str, tuple[int, ...]]] = {
    "a chapter before": {"ruth": (0, 1)},
    "a chapter behind": {"ruth": (1, 0)},
    "chapters between": {"ruth": (1, 0, 0, 2)},
    "a book of empty chapters": {"front": (0, 0), "ruth": (2,)},
    "a book without chapters": {"ruth": (2,), "back": ()},
    "all of them": {"front": (), "gen": (0, 1, 0), "intro": (0,), "exod": (2, 1), "back": ()},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("books", VERSELESS.values(), ids=VERSELESS)
@pytest.mark.parametrize("lacks", [None, "ruth-1-1", "exod-1-2"])
def test_every_level_tells_the_same_of_a_canon_with_places_without_verses(
    world: World, kind: str, books: dict[str, tuple[int, ...]], lacks: str | None
) -> None:
    """Totals, tree, testaments and lists agree, whether everything is there or one verse lacks."""
    world.canon("eng", books)
    ids = {verse for (verse,) in world.connection.execute("select id from verses").fetchall()}
    language = world.language()
    version = version_of(world, kind, language=language)
    covered = ids - {lacks}
    cover(world, kind, version, sorted(covered))
    assert_right(world.connection)
    counted = {book: [v for v in chapters if v] for book, chapters in books.items()}
    total_books = sum(1 for chapters in counted.values() if chapters)
    total_chapters = sum(len(chapters) for chapters in counted.values())
    short = int(covered != ids)
    expected = {
        "status": "in progress" if short and covered else "not started" if short else "complete",
        "percent": len(covered) * 100 // len(ids),
        "covered_verses": len(covered),
        "total_verses": len(ids),
        "complete_chapters": total_chapters - short,
        "total_chapters": total_chapters,
        "books_complete": total_books - short,
        "total_books": total_books,
    }

    def document(call: str, *values: object) -> Any:
        found = world.connection.execute(f"select progress.{call}", values).fetchone()  # type: ignore[arg-type]
        assert found is not None
        return found[0]

    for stored in (False, True):
        tree = document("tree(%s, %s, p_stored => %s)", kind, version, stored)
        [listed] = document("version_list(p_stored => %s)", stored)["items"]
        [testament] = tree["testaments"]
        for told in (tree, listed):
            assert {name: told[name] for name in expected} == expected
        of_testament = (
            "covered_verses",
            "total_verses",
            "percent",
            "books_complete",
            "total_books",
        )
        assert testament == {"testament": "old", **{name: expected[name] for name in of_testament}}
        assert [b["total_chapters"] for b in tree["books"]] == [len(c) for c in counted.values()]
        assert [b["status"] == "complete" for b in tree["books"]] == [
            bool(chapters) and not (short and str(lacks).startswith(book))
            for book, chapters in counted.items()
        ]
        gaps = document("gap_list(%s, %s, p_stored => %s)", kind, version, stored)
        assert [gap["chapter_id"] for gap in gaps["items"]] == (
            [str(lacks).rpartition("-")[0]] if short else []
        )
        best = document("language(%s, p_stored => %s)", language, stored)["language"]
        if covered:
            assert best[f"best_{kind}"]["status"] == expected["status"]
            assert best[f"best_{kind}"]["testaments"] == [testament]
    days = document("history(%s, %s, 9)", kind, version)["items"]
    assert [day["total_chapters"] for day in days] == [total_chapters]
    assert [day["books_complete"] for day in days] == [total_books - short]


@pytest.mark.parametrize("kind", KINDS)
def test_a_place_counts_from_its_first_verse_to_its_last(world: World, kind: str) -> None:
    world.canon("eng", {"ruth": (0, 1), "back": (0,)})
    version = version_of(world, kind)
    cover(world, kind, version, ["ruth-2-1"])

    def counted() -> tuple[Any, ...]:
        assert_right(world.connection)
        found = row(world, f"mv_{kind}_version_progress_summary", version)
        assert found is not None
        return found[1], found[4], found[6], found[7]

    run = world.connection.execute
    assert counted() == (1, 1, 1, 1)
    run("insert into verses (id, verse_number, chapter_id) values ('back-1-1', 1, 'back-1')")
    assert counted() == (2, 2, 1, 2)
    run("update verses set chapter_id = 'ruth-1' where id = 'back-1-1'")
    assert counted() == (2, 2, 0, 1)
    run("delete from verses where id = 'back-1-1'")
    assert counted() == (1, 1, 1, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_books_and_chapters_are_put_in_canon_order_by_their_own_numbers(
    world: World, kind: str
) -> None:
    """By id, Psalm 10 comes before Psalm 2, and Exodus before Genesis."""
    world.canon("eng", {"ps": (1,) * 11, "exod": (2, 0), "gen": (1,)})
    run = world.connection.execute
    run("update books set book_number = case id when 'gen' then 1 when 'exod' then 2 else 19 end")
    version = version_of(world, kind)
    cover(world, kind, version, ["ps-2-1", "gen-1-1"])
    assert_right(world.connection)
    ordered = [("gen", 1), *(("exod", n) for n in (1, 2)), *(("ps", n) for n in range(1, 12))]
    for prefix in BOTH:
        chapters = run(
            "select book_id, chapter_id, book_number, chapter_number"  # type: ignore[arg-type]
            f" from {prefix}{kind}_chapter_coverage order by book_number, chapter_number"
        ).fetchall()
        numbers = {"gen": 1, "exod": 2, "ps": 19}
        assert chapters == [(b, f"{b}-{n}", numbers[b], n) for b, n in ordered]
        books = run(
            f"select book_id, book_number from {prefix}{kind}_book_coverage order by book_number"  # type: ignore[arg-type]
        ).fetchall()
        assert books == [("gen", 1), ("exod", 2), ("ps", 19)]
    for stored in (False, True):
        exact = run(
            "select book_id, chapter_id, book_number, chapter_number"
            " from progress.exact_chapters(%s, %s, null, %s) order by book_number, chapter_number",
            [kind, version, stored],
        ).fetchall()
        assert exact == chapters
        exact = run(
            "select book_id, book_number from progress.exact_books(%s, %s, %s) order by book_number",
            [kind, version, stored],
        ).fetchall()
        assert exact == books

    run("update books set book_number = 20 where id = 'gen'")
    run("update chapters set chapter_number = 99 where id = 'ps-1'")
    assert_right(world.connection)
    for prefix in BOTH:
        found = run(
            f"select chapter_id from {prefix}{kind}_chapter_coverage"  # type: ignore[arg-type]
            " order by book_number desc, chapter_number desc limit 2"
        ).fetchall()
        assert found == [("gen-1",), ("ps-1",)]
        last = run(
            f"select book_id from {prefix}{kind}_book_coverage order by book_number desc limit 1"  # type: ignore[arg-type]
        ).fetchone()
        assert last == ("gen",)


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_canon_gives_a_summary_whose_fractions_are_null(world: World, kind: str) -> None:
    world.canon("eng", {})
    version = version_of(world, kind)
    assert_right(world.connection)
    for prefix in BOTH:
        summary = row(world, f"{prefix}{kind}_version_progress_summary", version)
        assert summary is not None
        assert summary[:9] == (0, 0, None, 0, 0, None, 0, 0, None)


@pytest.mark.parametrize("kind", KINDS)
def test_fractions_are_numeric_quotients_of_their_counts(world: World, kind: str) -> None:
    world.canon("eng")
    version = version_of(world, kind)
    cover(world, kind, version, ["gen-2-1", "gen-2-2", "gen-1-1"])
    assert_right(world.connection)
    chapters = 2 if kind == "audio" else 1
    for prefix in BOTH:
        found = world.connection.execute(
            "select verse_fraction = 3::numeric / 11, chapter_fraction = %s::numeric / 4,"
            " book_fraction = 0, pg_typeof(verse_fraction)::text,"
            " pg_typeof(chapter_fraction)::text, pg_typeof(book_fraction)::text"
            f" from {prefix}{kind}_version_progress_summary where {kind}_version_id = %s",
            [chapters, version],
        ).fetchone()
        assert found == (True, True, True, "numeric", "numeric", "numeric")


@pytest.mark.parametrize("kind", KINDS)
def test_everything_covered_is_exactly_one_and_complete(world: World, kind: str) -> None:
    world.canon("eng")
    version = version_of(world, kind)
    ids = world.connection.execute("select id from verses").fetchall()
    cover(world, kind, version, [verse for (verse,) in ids])
    assert_right(world.connection)
    for prefix in BOTH:
        summary = row(world, f"{prefix}{kind}_version_progress_summary", version)
        assert summary is not None
        assert summary[:9] == (11, 11, 1, 4, 4, 1, 2, 2, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_covered_stays_within_total_whatever_is_claimed(scene: Scene, kind: str) -> None:
    """Verses of another canon, claimed twice and in every way, do not push a count over."""
    world = scene.world
    version = scene.text_a if kind == "text" else scene.audio_a
    claimed = [f"{p}{c}-{n}" for p in ("", "v-") for c in ("gen-1", "gen-2") for n in (1, 2)]
    if kind == "text":
        world.connection.execute("delete from verse_texts where text_version_id = %s", [version])
    else:
        world.recording(version, start="gen-1-1", end="exod-2-2")
        world.recording(version, chapter="v-gen-1")
    cover(world, kind, version, claimed)
    assert_right(world.connection)
    found = world.connection.execute(
        f"select bool_and(covered_verses between 0 and total_verses) from"
        f" mv_{kind}_version_progress_summary"
    ).fetchone()
    assert found == (True,)


@pytest.mark.parametrize("kind", KINDS)
def test_verses_that_share_a_number_are_counted_one_by_one(world: World, kind: str) -> None:
    world.canon("eng", {"jude": (3,)})
    world.connection.execute("update verses set verse_number = 2")
    version = version_of(world, kind)
    cover(world, kind, version, ["jude-1-3"])
    assert_right(world.connection)
    found = world.connection.execute(f"select verse_id from mv_{kind}_verse_coverage").fetchall()
    assert found == [("jude-1-3",)]

    cover(world, kind, version, ["jude-1-1", "jude-1-2"])
    assert_right(world.connection)
    summary = row(world, f"mv_{kind}_version_progress_summary", version)
    assert summary is not None
    assert summary[:2] == (3, 3)


def test_a_range_covers_every_verse_that_shares_its_number(world: World) -> None:
    world.canon("eng", {"jude": (4,)})
    world.connection.execute("update verses set verse_number = 2 where verse_number = 3")
    version = world.audio_version()
    world.recording(version, start="jude-1-2")
    found = world.connection.execute("select verse_id from audio_verse_coverage order by 1")
    assert found.fetchall() == [("jude-1-2",), ("jude-1-3",)]
    assert_right(world.connection)


@pytest.mark.parametrize("kind", KINDS)
def test_every_live_version_has_a_summary_and_deleted_ones_have_none(
    scene: Scene, kind: str
) -> None:
    deleted = scene.texts[1] if kind == "text" else scene.audios[1]
    scene.connection.execute(
        f"update {kind}_versions set deleted_at = now() where id = %s", [deleted]
    )
    assert_right(scene.connection)
    for prefix in BOTH:
        found = scene.connection.execute(
            f"select {kind}_version_id from {prefix}{kind}_version_progress_summary"
        ).fetchall()
        everyone = scene.texts if kind == "text" else scene.audios
        assert {version for (version,) in found} == {*everyone} - {deleted}
